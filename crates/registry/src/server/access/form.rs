//! The form of a question for a token (distribution, "`OAuth2` Token Authentication").

use axum::body::Body;
use reqwest::Url;

use super::super::refusal::Refusal;

/// No question is longer.
const LIMIT: usize = 64 << 10;

/// The fields of a form, as `application/x-www-form-urlencoded` has them. They hold passwords, so that they are not shown.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) async fn read(body: Body) -> Result<Self, Refusal> {
        let bytes = axum::body::to_bytes(body, LIMIT).await;
        let bytes = bytes.map_err(|_| Refusal::form_invalid("it is too long, or broke off"))?;
        let text = str::from_utf8(&bytes).map_err(|_| Refusal::form_invalid("it is no text"))?;
        Ok(Self::parse(text))
    }

    fn parse(text: &str) -> Self {
        // An address is the form decoder at hand.
        let mut form = Url::parse("form:").expect("a scheme and nothing else is an address");
        form.set_query(Some(text));
        Self(form.query_pairs().into_owned().collect())
    }

    /// Returns the value of a field, empty where there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded() {
        let form = Form::parse(
            "scope=repository%3Aa%2Fb%3Apull+x&password=%23%26%2B%3D%20&password=b&empty=",
        );
        assert_eq!(form.field("scope"), "repository:a/b:pull x");
        assert_eq!(form.field("password"), "#&+= ", "the first one");
        assert_eq!(form.field("empty"), "");
        assert_eq!(form.field("missing"), "");
        assert_eq!(Form::parse("password=a#b'\u{e9}").field("password"), "a#b'\u{e9}");
    }
}
