//! The platform an image runs on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An operating system, an architecture and its variant, in Go's names: `linux/amd64`, `linux/arm64/v8`.
///
/// # Examples
///
/// ```
/// use notes_oci::Platform;
///
/// let wanted: Platform = "linux/arm64".parse()?;
/// assert!(wanted.accepts(&"linux/arm64/v8".parse()?));
/// assert!(!wanted.accepts(&"linux/amd64".parse()?));
/// # Ok::<(), notes_oci::PlatformError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system (`GOOS`).
    pub os: String,
    /// The architecture (`GOARCH`).
    pub architecture: String,
    /// The variant of the architecture, such as `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The version of the operating system; Windows images have one.
    #[serde(default, rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
}

impl Platform {
    /// Returns the platform this program was compiled for, with `linux` as its system: images are Linux images
    /// whatever they are built on.
    pub fn native() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self::linux(architecture)
    }

    /// Returns the Linux platform of `architecture`, without a variant.
    pub fn linux(architecture: impl Into<String>) -> Self {
        Self {
            os: "linux".into(),
            architecture: architecture.into(),
            variant: None,
            os_version: None,
        }
    }

    /// Tells whether an image for `offered` runs where this platform is wanted.
    ///
    /// A wanted variant must be met, and `arm64` without one means `v8`; a variant that was not asked for is accepted.
    pub fn accepts(&self, offered: &Self) -> bool {
        self.os == offered.os
            && self.architecture == offered.architecture
            && match (&self.variant, &offered.variant) {
                (None, _) => true,
                (Some(wanted), Some(variant)) => wanted == variant,
                (Some(wanted), None) => self.architecture == "arm64" && wanted == "v8",
            }
    }

    /// Tells whether a machine of this platform runs programs for `other` by itself, without an emulator.
    ///
    /// Linux on amd64 runs those for 386, whatever is configured; 32-bit ARM on arm64 depends on the processor, and is not
    /// counted on. Variants are levels of one architecture: which of them a machine has is not known here, so any runs.
    ///
    /// ```
    /// use notes_oci::Platform;
    ///
    /// let machine = Platform::linux("amd64");
    /// assert!(machine.runs(&"linux/amd64/v2".parse()?) && machine.runs(&"linux/386".parse()?));
    /// assert!(!machine.runs(&"linux/arm64".parse()?));
    /// # Ok::<(), notes_oci::PlatformError>(())
    /// ```
    pub fn runs(&self, other: &Self) -> bool {
        let same = self.architecture == other.architecture;
        let older = self.architecture == "amd64" && other.architecture == "386";
        self.os == other.os && (same || older)
    }
}

/// The error returned when text is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a platform; write `os/architecture` or `os/architecture/variant`, such as `linux/amd64`"
)]
pub struct PlatformError {
    /// What was to be parsed.
    pub text: String,
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let lower = text.to_ascii_lowercase();
        let mut parts = lower.split('/');
        let (Some(os), Some(architecture), variant, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(PlatformError { text: text.into() });
        };
        if os.is_empty() || architecture.is_empty() || variant == Some("") {
            return Err(PlatformError { text: text.into() });
        }
        // The names uname uses, as every builder accepts them.
        let architecture = match architecture {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "i386" | "i686" => "386",
            other => other,
        };
        Ok(Self { variant: variant.map(Into::into), os: os.into(), ..Self::linux(architecture) })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_tools_are_understood() {
        assert_eq!("linux/x86_64".parse::<Platform>().unwrap().to_string(), "linux/amd64");
        assert_eq!("Linux/ARM/v7".parse::<Platform>().unwrap().to_string(), "linux/arm/v7");
    }

    #[test]
    fn a_platform_needs_two_or_three_parts() {
        for text in ["", "linux", "linux/", "linux/arm/", "a/b/c/d"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }
}
