//! Who asks, and until when that is believed.

use std::{fs, path::Path};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jiff::{Timestamp, ToSpan};
use kube::config::AuthInfo;
use serde_json::Value;

use super::{Finding, Plan, Topic, certificate};
use crate::kubeconfig::{Access, Form};

/// Looks at what the kubeconfig signs in with. Plugins are named, not run: the first question to the server runs them.
pub(super) fn examine(access: &Access, plan: Plan<'_>) -> Vec<Finding> {
    let now = plan.now;
    let topic = Topic::Credentials;
    let user = &access.config.auth_info;
    if access.form == Form::ServiceAccount {
        return vec![Finding::good(topic, "the pod's service account")];
    }
    let mut found = Vec::new();
    if let Some(exec) = &user.exec {
        found.push(plugin(exec.command.as_deref().unwrap_or_default(), plan.path));
    }
    if user.auth_provider.is_some() {
        found.push(Finding::good(topic, "an auth provider, which kubectl no longer knows"));
    }
    if let Some(pem) = client_certificate(user) {
        let expiry = certificate::of_pem(&pem).and_then(|der| certificate::expiry(&der));
        found.push(dated("a client certificate", expiry, now));
    }
    if let Some(token) = token(user) {
        found.push(dated("a token", token_expiry(&token), now));
    }
    if user.username.is_some() {
        found.push(
            Finding::warning(topic, "a user name and a password")
                .with_hint("API servers have not taken passwords since 1.19"),
        );
    }
    if found.is_empty() {
        found.push(
            Finding::warning(
                topic,
                "none: the kubeconfig's user has neither token nor certificate",
            )
            .with_hint("was the `users` section left out when it was copied?"),
        );
    }
    found
}

/// Looks for the program that makes the credentials.
fn plugin(command: &str, path: &str) -> Finding {
    let topic = Topic::Credentials;
    let is_there = if command.contains('/') {
        Path::new(command).exists()
    } else {
        path.split(':').any(|directory| Path::new(directory).join(command).exists())
    };
    if is_there {
        Finding::good(topic, format!("the plugin `{command}`"))
    } else {
        Finding::problem(topic, format!("the plugin `{command}` is not on this machine"))
            .with_hint("install it here, or use a token of a service account")
    }
}

/// Says until when something is valid, and warns where that is soon.
pub(super) fn dated(what: &str, expiry: Option<Timestamp>, now: Timestamp) -> Finding {
    let topic = if what.contains("server") { Topic::Certificate } else { Topic::Credentials };
    let Some(expiry) = expiry else {
        return Finding::good(topic, format!("{what}, which names no end"));
    };
    let day = expiry.strftime("%Y-%m-%d %H:%M UTC");
    if expiry <= now {
        Finding::problem(topic, format!("{what} that has expired on {day}"))
            .with_hint("have it renewed; is this machine's clock right?")
    } else if expiry <= now + 72.hours() {
        Finding::warning(topic, format!("{what} that expires on {day}"))
            .with_hint("have it renewed")
    } else {
        Finding::good(topic, format!("{what}, valid until {day}"))
    }
}

fn client_certificate(user: &AuthInfo) -> Option<String> {
    let data = user.client_certificate_data.as_ref();
    let decoded = data.and_then(|data| BASE64_STANDARD.decode(data.trim()).ok());
    decoded
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .or_else(|| fs::read_to_string(user.client_certificate.as_ref()?).ok())
}

fn token(user: &AuthInfo) -> Option<String> {
    // Its type shows it to nobody but a serializer.
    let user_section = serde_json::to_value(user).ok();
    let inline = user_section.and_then(|user| user["token"].as_str().map(ToOwned::to_owned));
    inline.or_else(|| fs::read_to_string(user.token_file.as_ref()?).ok())
}

/// Reads the end of a token that is a JWT (RFC 7519, `exp`); others do not show it.
fn token_expiry(token: &str) -> Option<Timestamp> {
    let payload = token.trim().split('.').nth(1)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    Timestamp::from_second(claims["exp"].as_i64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_looked_for() {
        assert_eq!(plugin("sh", "/nowhere:/bin").text, "the plugin `sh`");
        assert_eq!(plugin("/bin/sh", "").text, "the plugin `/bin/sh`");
        for (command, path) in [("sh", "/nowhere"), ("/nowhere/sh", "/bin")] {
            assert_eq!(plugin(command, path).state, crate::doctor::State::Problem);
        }
    }

    #[test]
    fn a_token_says_when_it_ends_and_nothing_else_is_shown() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let told = |seconds: i64| {
            let claims = format!("{{\"exp\":{},\"sub\":\"CANARY\"}}", 1_000_000 + seconds);
            let token = format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(claims));
            let found = dated("a token", token_expiry(&token), now);
            format!("{:?}: {}", found.state, found.text)
        };
        assert_eq!(told(-1), "Problem: a token that has expired on 1970-01-12 13:46 UTC");
        assert_eq!(told(3600), "Warning: a token that expires on 1970-01-12 14:46 UTC");
        assert_eq!(told(90 * 86400), "Good: a token, valid until 1970-04-12 13:46 UTC");
        assert_eq!(token_expiry("CANARY"), None);
        assert_eq!(dated("a token", None, now).text, "a token, which names no end");
    }
}
