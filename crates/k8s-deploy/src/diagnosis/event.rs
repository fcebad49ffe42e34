//! Events, by the object they are about.

use std::collections::HashMap;

use crate::Object;

/// The events of a namespace, by the uid of their object. Old events of other objects never match.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events(HashMap<String, HashMap<String, Object>>);

impl Events {
    /// Adds an event, or its newer state: an event that repeats is counted up.
    pub(crate) fn insert(&mut self, event: Object) {
        if let Some(uid) = event.text("/involvedObject/uid") {
            self.0.entry(uid.into()).or_default().insert(event.name().into(), event);
        }
    }

    /// Returns the messages about an object for one reason, the newest first.
    pub(crate) fn messages(&self, uid: &str, reason: &str) -> Vec<&str> {
        let mut found: Vec<_> = self
            .0
            .get(uid)
            .into_iter()
            .flat_map(HashMap::values)
            .filter(|event| event.text("/reason") == Some(reason))
            .collect();
        found.sort_by_key(|event| std::cmp::Reverse(event_time(event)));
        found.into_iter().filter_map(|event| event.text("/message")).collect()
    }

    /// Returns the newest message about an object for one reason that holds `part`.
    pub(crate) fn newest(&self, uid: &str, reason: &str, part: &str) -> Option<&str> {
        self.messages(uid, reason).into_iter().find(|message| message.contains(part))
    }
}

/// Returns when an event was seen last, as text that sorts.
pub(crate) fn event_time(event: &Object) -> String {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .iter()
        .find_map(|path| event.text(path))
        .unwrap_or_default()
        .to_owned()
}
