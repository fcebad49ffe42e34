//! The platforms an image is for.

use std::fmt;

use notes_console::{Failure, Kind};
use notes_oci::{Platform, PlatformError};

/// One platform or several, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Platforms(Vec<Platform>);

impl Platforms {
    /// Reads names that are separated by commas.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let usage = |error: PlatformError| Failure::new(Kind::Usage, error);
        let mut platforms: Vec<Platform> = Vec::new();
        for name in text.split(',').map(str::trim) {
            let platform: Platform = name.parse().map_err(usage)?;
            if platforms.iter().any(|known| known.accepts(&platform) && platform.accepts(known)) {
                let message = format!("the platform `{name}` is named twice");
                return Err(Failure::message(Kind::Usage, message));
            }
            platforms.push(platform);
        }
        Ok(Self(platforms))
    }

    /// Returns them in the order they were named.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Platform> {
        self.0.iter()
    }

    /// Tells whether there is more than one: then the image is an index.
    pub(crate) fn are_several(&self) -> bool {
        self.0.len() > 1
    }
}

impl fmt::Display for Platforms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_named_once() {
        let parse = |text| Platforms::parse(text).map(|platforms| platforms.to_string());
        assert_eq!(parse("linux/amd64, linux/arm64").unwrap(), "linux/amd64,linux/arm64");
        for (text, message) in [
            ("linux/amd64,linux/x86_64", "the platform `linux/x86_64` is named twice"),
            ("linux/arm64,linux/arm64/v8", "the platform `linux/arm64/v8` is named twice"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
        assert!(parse("linux/amd64,").is_err());
    }
}
