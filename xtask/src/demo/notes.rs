//! The app as a person uses it: a page, a form, a note. By curl, which a build of xtask need not wait for.

use std::{
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{Result, app};
use crate::program;

/// Fetches the page, creates a note through its form and reads it back. The browser's cookies lie in `directory`.
pub(super) fn write_and_read_back(url: &str, directory: &Path, say: &dyn Fn(&str)) -> Result<()> {
    let browser = Browser { cookies: &directory.join("cookies") };
    let page = browser.get(url)?;
    let title = between(&page, "<title>", "</title>").unwrap_or("a page without a title");
    say(&format!("fetched {url}: {}", title.trim()));

    let address = format!("{url}/notes/new/");
    let form = browser.get(&address)?;
    // Each form has one, and the app refuses a note without it (cross-site request forgery).
    let token = between(&form, "name=\"csrfmiddlewaretoken\" value=\"", "\"");
    let token = token.ok_or("the form has no token")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let note = format!("written by the demo at {now}");
    let fields = [("csrfmiddlewaretoken", token), ("title", "Demo"), ("body", &note)];
    let place = browser.submit(&address, url, &fields)?;
    if !browser.get(&place)?.contains(&note) {
        return Err(format!("the note is not on its page {place}").into());
    }
    say(&format!("created a note and read it back: {place}"));
    Ok(())
}

/// What keeps a person's cookies from one request to the next.
struct Browser<'a> {
    cookies: &'a Path,
}

impl Browser<'_> {
    fn request(&self) -> Command {
        let mut curl = app::request();
        curl.arg("--cookie-jar").arg(self.cookies).arg("--cookie").arg(self.cookies);
        curl
    }

    fn get(&self, url: &str) -> Result<String> {
        program::result(self.request().arg(url))
    }

    /// Sends a form from a page of `origin`, and returns where the answer leads.
    fn submit(&self, url: &str, origin: &str, fields: &[(&str, &str)]) -> Result<String> {
        let mut post = self.request();
        post.arg("--header").arg(format!("Origin: {origin}"));
        for (name, value) in fields {
            post.arg("--data-urlencode").arg(format!("{name}={value}"));
        }
        let place = program::result(post.args([
            "--output",
            "/dev/null",
            "--write-out",
            "%{redirect_url}",
            url,
        ]))?;
        if place.is_empty() { Err("the note was not taken".into()) } else { Ok(place) }
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    text[start..].split(after).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_is_found() {
        assert_eq!(between("<title> Notes </title>", "<title>", "</title>"), Some(" Notes "));
        assert_eq!(between("nothing", "<title>", "</title>"), None);
    }
}
