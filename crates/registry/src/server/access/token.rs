//! The registry's own token endpoint (distribution's "Token Authentication Specification").

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use axum::{
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use notes_oci::Digest;
use serde_json::json;

use super::{
    super::{refusal::Refusal, route},
    Action, Form, Grant, Need, Repositories, User, Users, Visitor, authorization, users,
};
use crate::locked::locked;

/// How long a token holds. Clients ask for a new one when it has ended, also in the middle of a push.
const LIFETIME: Duration = Duration::from_mins(5);

/// The tokens that hold. They are random and live in memory: after a restart clients ask again.
#[derive(Debug, Default)]
pub(in super::super) struct Tokens {
    tickets: Mutex<HashMap<String, Ticket>>,
    /// The identity token of each user who has asked for one, by the user's name.
    identities: Mutex<HashMap<String, String>>,
}

/// What a token stands for.
#[derive(Clone, Debug)]
struct Ticket {
    user: Option<String>,
    scopes: Vec<Grant>,
    until: Instant,
}

impl Tokens {
    pub(super) fn admit<'a>(
        &self,
        users: &'a Users,
        headers: &HeaderMap,
        origin: &str,
        needs: &[Need],
        useful: &[Need],
    ) -> Result<Visitor<'a>, Refusal> {
        let all = [needs, useful].concat();
        let challenge = |error| Refusal::unauthorized(challenge(origin, &all, error));
        let ticket = authorization(headers, "Bearer").and_then(|token| self.ticket(token));
        let Some(ticket) = ticket else { return Err(challenge(None)) };
        let user = users.find(ticket.user.as_deref());
        let rights = users.rights(user);
        let visitor = Visitor::Known { rights, scopes: Some(ticket.scopes) };
        let is_missing = |need: &&Need| visitor.has_right(need) && !visitor.may(need);
        match needs.iter().find(|need| !visitor.may(need)) {
            None if useful.iter().any(|need| is_missing(&need)) => {
                Err(challenge(Some("insufficient_scope")))
            }
            None => Ok(visitor),
            // Another token would not help.
            Some(need) if user.is_some() && !visitor.has_right(need) => Err(Refusal::denied(need)),
            Some(_) => Err(challenge(Some("insufficient_scope"))),
        }
    }

    fn ticket(&self, token: &str) -> Option<Ticket> {
        let tickets = locked(&self.tickets);
        tickets.get(token).filter(|ticket| ticket.until > Instant::now()).cloned()
    }

    /// Answers `GET /token`: what of the scopes that are asked for the user has a right to.
    pub(super) fn give(&self, users: &Users, head: &Parts) -> Result<Response, Refusal> {
        let user = users
            .named(&head.headers)
            .map_err(|_| Refusal::unauthorized(users::CHALLENGE.to_owned()))?;
        let scopes = route::query_all(head, "scope").join(" ");
        let is_offline = route::query(head, "offline_token").as_deref() == Some("true");
        Ok(self.answer(users, user, &scopes, is_offline))
    }

    /// Answers `POST /token`: a name and a password, or an identity token, in a form.
    pub(super) fn exchange(&self, users: &Users, form: &Form) -> Result<Response, Refusal> {
        let user = match form.field("grant_type") {
            "password" => {
                let login = format!("{}:{}", form.field("username"), form.field("password"));
                users.with_login(login.as_bytes())
            }
            "refresh_token" => self.identified(users, form.field("refresh_token")),
            other => {
                let problem =
                    format!("`grant_type` is `{other}`, not `password` or `refresh_token`");
                return Err(Refusal::form_invalid(problem));
            }
        };
        let user = user.ok_or_else(|| Refusal::unauthorized(users::CHALLENGE.to_owned()))?;
        let is_offline = form.field("access_type") == "offline";
        Ok(self.answer(users, Some(user), form.field("scope"), is_offline))
    }

    /// Gives a token for what of `scopes` there is a right to, and to a user who will come again without the password
    /// an identity token.
    fn answer(
        &self,
        users: &Users,
        user: Option<&User>,
        scopes: &str,
        is_offline: bool,
    ) -> Response {
        let rights = users.rights(user);
        let scopes = scopes.split_whitespace().filter_map(|scope| granted(scope, &rights));
        let scopes: Vec<_> = scopes.collect();
        let granted: Vec<_> = scopes.iter().map(ToString::to_string).collect();
        let until = Instant::now() + LIFETIME;
        let token = random_token();
        let ticket = Ticket { user: user.map(|user| user.name.clone()), scopes, until };
        let mut tickets = locked(&self.tickets);
        tickets.retain(|_, ticket| ticket.until > Instant::now());
        tickets.insert(token.clone(), ticket);
        drop(tickets);
        let mut body = json!({
            "token": token,
            "access_token": token,
            "expires_in": LIFETIME.as_secs(),
            "scope": granted.join(" "),
        });
        if let Some(user) = user.filter(|_| is_offline) {
            body["refresh_token"] = self.identity(user).into();
        }
        let headers =
            [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        (headers, body.to_string()).into_response()
    }

    fn identity(&self, user: &User) -> String {
        let mut identities = locked(&self.identities);
        identities.entry(user.name.clone()).or_insert_with(random_token).clone()
    }

    fn identified<'a>(&self, users: &'a Users, token: &str) -> Option<&'a User> {
        let identities = locked(&self.identities);
        // As with passwords, the time it takes tells nothing.
        let given = Digest::of(token);
        let (name, _) = identities.iter().find(|(_, known)| Digest::of(known) == given)?;
        users.find(Some(name))
    }
}

/// Returns what of a scope, `repository:NAME:ACTIONS`, is granted. Other kinds of scope grant nothing.
fn granted(scope: &str, rights: &[&Grant]) -> Option<Grant> {
    let (name, actions) = scope.strip_prefix("repository:")?.rsplit_once(':')?;
    let repository = name.parse().ok()?;
    let is_asked = |action: &Action| {
        actions.split(',').any(|asked| asked == "*" || asked.parse() == Ok(*action))
    };
    let is_granted = |action: &Action| {
        let need = Need::new(*action, &repository);
        rights.iter().any(|grant| grant.covers(&need))
    };
    let actions: Vec<_> =
        Action::ALL.into_iter().filter(|it| is_asked(it) && is_granted(it)).collect();
    Some(Grant { repositories: Repositories::One(repository), actions })
}

/// Asks for a token that covers `needs`.
fn challenge(origin: &str, needs: &[Need], error: Option<&str>) -> String {
    let service = origin.rsplit('/').next().unwrap_or(origin);
    let scopes: Vec<_> = needs
        .iter()
        .map(|Need { action, repository }| {
            // What pushes also looks at what is there.
            let looking = if *action == Action::Push { "pull," } else { "" };
            format!("repository:{repository}:{looking}{action}")
        })
        .collect();
    let scope = (!scopes.is_empty()).then(|| format!(",scope=\"{}\"", scopes.join(" ")));
    let error = error.map(|error| format!(",error=\"{error}\""));
    let (scope, error) = (scope.unwrap_or_default(), error.unwrap_or_default());
    format!("Bearer realm=\"{origin}/token\",service=\"{service}\"{scope}{error}")
}

fn random_token() -> String {
    let mut bytes = [0; 32];
    let provider = rustls::crypto::ring::default_provider();
    provider.secure_random.fill(&mut bytes).expect("the system gives random bytes");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_grants_what_is_asked_for_and_there_is_a_right_to() {
        let team = Grant { repositories: "team/*".parse().unwrap(), actions: vec![Action::Pull] };
        let own = Grant { repositories: "own".parse().unwrap(), actions: Action::ALL.to_vec() };
        for (scope, expected) in [
            ("repository:team/app:pull,push", vec![Action::Pull]),
            ("repository:own:*", Action::ALL.to_vec()),
            ("repository:own:push", vec![Action::Push]),
            ("repository:other:pull", vec![]),
        ] {
            assert_eq!(granted(scope, &[&team, &own]).unwrap().actions, expected, "{scope}");
        }
        assert_eq!(granted("registry:catalog:*", &[&team]), None);
    }

    #[test]
    fn what_is_granted_is_said_as_it_was_asked_for() {
        let all = Grant::everything();
        for (scope, expected) in [
            ("repository:team/app:pull,push", "repository:team/app:pull,push"),
            ("repository:own:*", "repository:own:pull,push,delete"),
        ] {
            assert_eq!(granted(scope, &[&all]).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn a_challenge_names_the_scope_that_is_missing() {
        let push = Need::new(Action::Push, &"team/app".parse().unwrap());
        let mount = Need::new(Action::Pull, &"base".parse().unwrap());
        insta::assert_snapshot!(
            challenge("https://registry:5000", &[push, mount], Some("insufficient_scope")),
            @r#"Bearer realm="https://registry:5000/token",service="registry:5000",scope="repository:team/app:pull,push repository:base:pull",error="insufficient_scope""#
        );
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        assert_ne!(random_token(), random_token());
        assert_eq!(random_token().len(), 43);
    }
}
