//! The app as a person uses it: a page, a form, a note.

use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use reqwest::{Client, Response, header, redirect::Policy};

use super::Result;

/// Fetches the page, creates a note through its form and reads it back.
pub(super) async fn write_and_read_back(url: &str, say: &dyn Fn(&str)) -> Result<()> {
    let client = Client::builder().redirect(Policy::none()).no_proxy().build()?;
    let page = client.get(url).send().await?.error_for_status()?.text().await?;
    let title = between(&page, "<title>", "</title>").unwrap_or("a page without a title");
    say(&format!("fetched {url}: {}", title.trim()));

    let form = client.get(format!("{url}/notes/new/")).send().await?.error_for_status()?;
    let cookie = cookie(&form).ok_or("the form sets no cookie")?;
    let form = form.text().await?;
    // Each form has one, and the app refuses a note without it (cross-site request forgery).
    let token = between(&form, "name=\"csrfmiddlewaretoken\" value=\"", "\"");
    let token = token.ok_or("the form has no token")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let note = format!("written by the demo at {now}");
    let fields = [("csrfmiddlewaretoken", token), ("title", "Demo"), ("body", &note)];
    let created = client
        .post(format!("{url}/notes/new/"))
        .header(header::COOKIE, cookie)
        .header(header::ORIGIN, url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(encode(&fields))
        .send()
        .await?;
    let status = created.status();
    let place = created.headers().get(header::LOCATION).and_then(|place| place.to_str().ok());
    let place = place.ok_or_else(|| format!("the note was not taken: {status}"))?.to_owned();
    let read = client.get(format!("{url}{place}")).send().await?.error_for_status()?.text().await?;
    if !read.contains(&note) {
        return Err(format!("the note is not on its page {place}").into());
    }
    say(&format!("created a note and read it back: {url}{place}"));
    Ok(())
}

fn cookie(response: &Response) -> Option<String> {
    let cookie = response.headers().get(header::SET_COOKIE)?.to_str().ok()?;
    cookie.split(';').next().map(str::to_owned)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    text[start..].split(after).next()
}

/// A form as it travels: `application/x-www-form-urlencoded`.
fn encode(fields: &[(&str, &str)]) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        form.push_str(name);
        form.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    form.push(char::from(byte));
                }
                _ => {
                    let _ = write!(form, "%{byte:02X}");
                }
            }
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(encode(&[("title", "a b"), ("body", "é&")]), "title=a%20b&body=%C3%A9%26");
    }

    #[test]
    fn what_is_between_is_found() {
        assert_eq!(between("<title> Notes </title>", "<title>", "</title>"), Some(" Notes "));
        assert_eq!(between("nothing", "<title>", "</title>"), None);
    }
}
