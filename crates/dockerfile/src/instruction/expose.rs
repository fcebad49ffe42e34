//! `EXPOSE`: the ports a container listens on.

use std::fmt;

use crate::Word;

/// `EXPOSE port[-port][/protocol] ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expose {
    /// At least one word. Each is expanded and then **split at white space**; every piece is a port specification:
    /// [`Word::expand_fields`] and [`Port::parse`].
    pub ports: Vec<Word>,
}

/// A port that a container listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// Its protocol.
    pub protocol: Protocol,
}

/// The protocol of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the protocols have no other names")]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
    Sctp,
}

/// The error returned when a text is no port specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no port")]
pub struct PortError {
    /// The text.
    pub text: String,
}

impl PortError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(
            "a port is `8000`, `8000-8010` or `53/udp`; the protocols are tcp, udp and sctp"
                .to_owned(),
        )
    }
}

impl Port {
    /// Returns the container ports of `[[address:]host:]first[-last][/protocol]`.
    ///
    /// ```
    /// use notes_dockerfile::Port;
    ///
    /// let ports = Port::parse("8000-8001/UDP")?;
    /// let names: Vec<String> = ports.iter().map(ToString::to_string).collect();
    /// assert_eq!(names, ["8000/udp", "8001/udp"]);
    /// assert!(Port::parse("99999").is_err());
    /// # Ok::<(), notes_dockerfile::PortError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Vec<Self>, PortError> {
        Self::read(text).ok_or_else(|| PortError { text: text.to_owned() })
    }

    fn read(text: &str) -> Option<Vec<Self>> {
        let (ports, protocol) = match text.split_once('/') {
            Some((ports, protocol)) => (ports, Protocol::read(protocol)?),
            None => (text, Protocol::default()),
        };
        let (host, container) = match ports.rsplit_once(':') {
            Some((host, container)) => (Some(host), container),
            None => (None, ports),
        };
        let (first, last) = range(container)?;
        if let Some(host) = host {
            let host = host.rsplit_once(':').map_or(host, |(_, port)| port);
            let (low, high) = if host.is_empty() { (first, last) } else { range(host)? };
            // As many on one side as on the other, or one container port for a range to choose from.
            if high - low != last - first && first != last {
                return None;
            }
        }
        Some((first..=last).map(|number| Self { number, protocol }).collect())
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

fn number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

impl Protocol {
    fn read(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            // A slash with nothing after it means the default, as in docker/go-connections.
            "" | "tcp" => Some(Self::Tcp),
            "udp" => Some(Self::Udp),
            "sctp" => Some(Self::Sctp),
            _ => None,
        }
    }

    /// Returns the name, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// Prints the key that an image's config uses, for example `8000/tcp`.
impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.number, self.protocol.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(text: &str) -> Vec<u16> {
        Port::parse(text).unwrap().into_iter().map(|port| port.number).collect()
    }

    #[test]
    fn ports_are_read() {
        assert_eq!(ports("80"), [80]);
        assert_eq!(ports("0"), [0]);
        assert_eq!(ports("80/Sctp"), [80]);
        assert_eq!(ports("1-3"), [1, 2, 3]);
        assert_eq!(ports("127.0.0.1:8080:80"), [80]);
        assert_eq!(ports("[::1]:8080:80"), [80]);
        assert_eq!(ports("8080:80"), [80]);
        assert_eq!(ports("127.0.0.1::80"), [80]);
        for text in
            ["", "x", "-1", "65536", "3-1", "80/http", "80/tcp/udp", "1-3:1-2", "+80", "80 81"]
        {
            assert!(Port::parse(text).is_err(), "{text}");
        }
    }
}
