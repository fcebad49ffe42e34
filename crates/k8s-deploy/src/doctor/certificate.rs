//! Until when a certificate is valid: the one field that is needed of X.509 (RFC 5280, 4.1).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT Version`, which certificates of version 1 do not have.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Returns the end of a DER certificate's validity; `None` for what is no certificate.
pub(super) fn expiry(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut fields, _) = element(certificate, SEQUENCE)?;
    if let Some((_, rest)) = element(fields, VERSION) {
        fields = rest;
    }
    // The serial number, the signature's algorithm and the issuer come before.
    for _ in 0..3 {
        (_, _, fields) = any(fields)?;
    }
    let (validity, _) = element(fields, SEQUENCE)?;
    let (_, _, after_begin) = any(validity)?;
    let (tag, text, _) = any(after_begin)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// Returns the first certificate of a PEM text.
pub(super) fn of_pem(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_whitespace().collect();
    BASE64_STANDARD.decode(body).ok()
}

/// Splits off the first element: its tag, its content and what follows it.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn element(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = any(bytes)?;
    (tag == wanted).then_some((content, rest))
}

/// Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`; two digits below 50 are of this century (RFC 5280, 4.1.2.5.1).
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let text = match tag {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let civil = DateTime::strptime("%Y%m%d%H%M%SZ", &text).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl req -x509 -newkey ed25519 -nodes -subj /CN=test -days 3650`.
    const PEM: &str = "-----BEGIN CERTIFICATE-----
MIIBMjCB5aADAgECAhQy185cHOU6PujI0/JVYj8li/p39zAFBgMrZXAwDzENMAsG
A1UEAwwEdGVzdDAeFw0yNjExMjYxODAyMzhaFw0zNjExMjMxODAyMzhaMA8xDTAL
BgNVBAMMBHRlc3QwKjAFBgMrZXADIQAJ5u7H+RFJ5SFWUiHxhHV2/bgBs9NnNids
EvR5LmH90aNTMFEwHQYDVR0OBBYEFDmPPF+PFNapj/cc2hZTloKH95+YMB8GA1Ud
IwQYMBaAFDmPPF+PFNapj/cc2hZTloKH95+YMA8GA1UdEwEB/wQFMAMBAf8wBQYD
K2VwA0EAccVO8xUqOcLgUwyfIn8idPreCEdp7aBRMTggQncfat/cpxTj3yQ9i6ld
7/mGZ4x5FR5si8ex78A0HXTsyTmfBA==
-----END CERTIFICATE-----";

    #[test]
    fn the_end_of_a_certificate_is_read() {
        let der = of_pem(PEM).unwrap();
        assert_eq!(expiry(&der).unwrap().to_string(), "2036-11-23T18:02:38Z");
        // Cut anywhere, it is no certificate, and nothing panics.
        for end in 0..90 {
            assert_eq!(expiry(&der[..end]), None);
        }
        assert_eq!(of_pem("-----BEGIN CERTIFICATE-----"), None);
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let told = |tag, text| time(tag, text).map(|time| time.to_string());
        assert_eq!(told(UTC_TIME, "491231235959Z").unwrap(), "2049-12-31T23:59:59Z");
        assert_eq!(told(UTC_TIME, "500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        assert_eq!(told(GENERALIZED_TIME, "20500101000000Z").unwrap(), "2050-01-01T00:00:00Z");
        assert_eq!(told(0x0c, "491231235959Z"), None);
    }
}
