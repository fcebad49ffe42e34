//! The Node service as a person uses it: Markdown goes in, HTML comes back.

use super::{Result, app};
use crate::program;

/// Sends a heading to the service and looks for it in what comes back.
pub(super) fn render(url: &str, say: &dyn Fn(&str)) -> Result<()> {
    let greeting = program::result(app::request().arg(url))?;
    say(&format!("fetched {url}: {}", greeting.trim()));
    let address = format!("{url}/render");
    let heading = ["--data-binary", "# written by the demo"];
    let html = program::result(app::request().args(heading).arg(&address))?;
    if html.trim() != "<h1>written by the demo</h1>" {
        return Err(format!("{address} answered `{}` for a heading", html.trim()).into());
    }
    say(&format!("rendered a heading: {}", html.trim()));
    Ok(())
}
