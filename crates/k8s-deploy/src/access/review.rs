//! Asks the server what the account may do.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, ResourceRule, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
    SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
};
use kube::{Api, api::PostParams};

use super::{Need, Needs};
use crate::{Cluster, RequestError};

/// How many questions are asked at once.
const AT_ONCE: usize = 16;

/// Returns which of `needs` the account is not allowed.
///
/// One question for each namespace tells most; the server answers it from its own rules alone, so that what is not among them is
/// asked for one by one.
///
/// # Errors
///
/// Fails when the server does not answer. Every account may ask about itself.
pub async fn missing(cluster: &Cluster, needs: &Needs) -> Result<Vec<Need>, RequestError> {
    let needs: Vec<Need> = needs.iter().collect();
    let spaces: BTreeSet<&str> =
        needs.iter().filter_map(|need| need.namespace.as_deref()).collect();
    let mut rules = BTreeMap::new();
    for space in spaces {
        rules.insert(space.to_owned(), rules_in(cluster, space).await?);
    }
    let is_known = |need: &Need| {
        let rules = need.namespace.as_ref().and_then(|space| rules.get(space));
        rules.is_some_and(|rules| rules.iter().any(|rule| covers(rule, need)))
    };
    let open: Vec<Need> = needs.iter().filter(|need| !is_known(need)).cloned().collect();
    let answers = stream::iter(open).map(|need| async {
        let is_allowed = is_allowed(cluster, &need).await?;
        Ok::<_, RequestError>((!is_allowed).then_some(need))
    });
    let missing: Vec<Option<Need>> = answers.buffered(AT_ONCE).try_collect().await?;
    Ok(missing.into_iter().flatten().collect())
}

async fn rules_in(cluster: &Cluster, namespace: &str) -> Result<Vec<ResourceRule>, RequestError> {
    let spec = SelfSubjectRulesReviewSpec { namespace: Some(namespace.into()) };
    let review = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
    let answer = Api::all(cluster.client().clone())
        .create(&PostParams::default(), &review)
        .await
        .map_err(|error| cluster.error("ask what the account may do", error))?;
    Ok(answer.status.map(|status| status.resource_rules).unwrap_or_default())
}

/// Tells whether a rule allows what is needed. One for certain names does not: which names there will be, nobody knows.
fn covers(rule: &ResourceRule, need: &Need) -> bool {
    let has = |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
    let groups = rule.api_groups.as_deref().unwrap_or_default();
    let resources = rule.resources.as_deref().unwrap_or_default();
    let is_for_all = rule.resource_names.as_deref().unwrap_or_default().is_empty();
    let names_it = has(resources, &need.resource)
        || need
            .resource
            .split_once('/')
            .is_some_and(|(_, sub)| has(resources, &format!("*/{sub}")));
    is_for_all && has(groups, &need.group) && names_it && has(&rule.verbs, need.verb)
}

async fn is_allowed(cluster: &Cluster, need: &Need) -> Result<bool, RequestError> {
    let (resource, subresource) = match need.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (need.resource.as_str(), None),
    };
    let attributes = ResourceAttributes {
        namespace: need.namespace.clone(),
        group: Some(need.group.clone()),
        resource: Some(resource.into()),
        subresource,
        verb: Some(need.verb.into()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        ..SelfSubjectAccessReviewSpec::default()
    };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let answer =
        Api::all(cluster.client().clone())
            .create(&PostParams::default(), &review)
            .await
            .map_err(|error| cluster.error(format!("ask whether the account may {need}"), error))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_cover_and_names_do_not() {
        let texts = |list: &[&str]| Some(list.iter().map(ToString::to_string).collect::<Vec<_>>());
        let rule =
            |groups: &[&str], resources: &[&str], verbs: &[&str], names: &[&str]| ResourceRule {
                api_groups: texts(groups),
                resources: texts(resources),
                verbs: texts(verbs).unwrap(),
                resource_names: texts(names),
            };
        let log = Need {
            namespace: Some("apps".into()),
            group: String::new(),
            resource: "pods/log".into(),
            verb: "get",
        };
        for (rule, covered) in [
            (rule(&["*"], &["*"], &["*"], &[]), true),
            (rule(&[""], &["pods/log"], &["get"], &[]), true),
            (rule(&[""], &["*/log"], &["get"], &[]), true),
            // A rule for pods says nothing of what is below them.
            (rule(&[""], &["pods"], &["get"], &[]), false),
            (rule(&["apps"], &["pods/log"], &["get"], &[]), false),
            (rule(&[""], &["pods/log"], &["list"], &[]), false),
            (rule(&[""], &["pods/log"], &["get"], &["web-1"]), false),
        ] {
            assert_eq!(covers(&rule, &log), covered, "{rule:?}");
        }
    }
}
