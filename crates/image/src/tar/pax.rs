//! PAX records: `length key=value\n`.

use std::os::unix::ffi::OsStrExt;

use super::header::{Fields, link_fits, number_fits, split};

/// Returns the records that the entry needs beside its header, sorted by key; often none.
pub(super) fn records(name: &[u8], fields: &Fields<'_>) -> Vec<u8> {
    let attributes = fields.attributes;
    let mut records = Vec::new();
    for (key, value) in &attributes.xattrs {
        let key = [b"SCHILY.xattr.", key.as_bytes()].concat();
        push(&mut records, &key, value);
    }
    push_number(&mut records, "gid", u64::from(attributes.gid), 7);
    if !link_fits(fields.link) {
        push(&mut records, b"linkpath", fields.link);
    }
    if !u64::try_from(attributes.modified).is_ok_and(|seconds| number_fits(seconds, 11)) {
        push(&mut records, b"mtime", attributes.modified.to_string().as_bytes());
    }
    if split(name).is_none() {
        push(&mut records, b"path", name);
    }
    push_number(&mut records, "size", fields.size, 11);
    push_number(&mut records, "uid", u64::from(attributes.uid), 7);
    records
}

fn push_number(records: &mut Vec<u8>, key: &str, value: u64, digits: u32) {
    if !number_fits(value, digits) {
        push(records, key.as_bytes(), value.to_string().as_bytes());
    }
}

fn push(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    // space, `=`, newline; the length counts its own digits
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} ").as_bytes());
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_length() {
        for size in [0, 1, 85, 86, 87, 88, 89, 90, 980, 985, 990, 999, 1000] {
            let mut records = Vec::new();
            push(&mut records, b"path", &vec![b'x'; size]);
            let text = String::from_utf8(records).unwrap();
            let (length, _) = text.split_once(' ').unwrap();
            assert_eq!(length.parse::<usize>().unwrap(), text.len());
        }
    }
}
