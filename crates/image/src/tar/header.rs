//! The 512-byte ustar header.

use super::Attributes;

/// The size of a tar block.
pub(super) const BLOCK: usize = 512;
const NAME: usize = 100;
const PREFIX: usize = 155;

/// The type flag of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    File,
    HardLink,
    Symlink,
    Character,
    Block,
    Directory,
    Fifo,
}

impl Kind {
    fn flag(self) -> u8 {
        match self {
            Self::File => b'0',
            Self::HardLink => b'1',
            Self::Symlink => b'2',
            Self::Character => b'3',
            Self::Block => b'4',
            Self::Directory => b'5',
            Self::Fifo => b'6',
        }
    }
}

/// What a header says beside the name.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) attributes: &'a Attributes,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) link: &'a [u8],
    pub(super) device: (u32, u32),
}

/// Splits `name` into prefix and name, if the two fields hold it: plain ASCII, cut at a slash.
pub(super) fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= NAME {
        return Some((&[], name));
    }
    // The slash that ends a directory's name belongs to it.
    let body = name.strip_suffix(b"/").unwrap_or(name);
    let cut = body[..body.len().min(PREFIX + 1)].iter().rposition(|byte| *byte == b'/')?;
    let rest = &name[cut + 1..];
    (cut > 0 && !rest.is_empty() && rest.len() <= NAME).then(|| (&name[..cut], rest))
}

/// Tells whether a link target fits its field.
pub(super) fn link_fits(link: &[u8]) -> bool {
    link.len() <= NAME && link.is_ascii()
}

/// Tells whether `value` fits an octal field of `digits` digits.
pub(super) fn number_fits(value: u64, digits: u32) -> bool {
    value < 1 << (3 * digits)
}

/// Returns the header; what does not fit is left out, the PAX records hold it.
pub(super) fn encode(name: &[u8], fields: &Fields<'_>) -> [u8; BLOCK] {
    let attributes = fields.attributes;
    let mut block = [0; BLOCK];
    let (prefix, short) = split(name).unwrap_or((&[], tail(name)));
    block[..short.len()].copy_from_slice(short);
    block[345..345 + prefix.len()].copy_from_slice(prefix);
    octal(&mut block[100..108], u64::from(attributes.mode));
    octal(&mut block[108..116], u64::from(attributes.uid));
    octal(&mut block[116..124], u64::from(attributes.gid));
    octal(&mut block[124..136], fields.size);
    octal(&mut block[136..148], u64::try_from(attributes.modified).unwrap_or(0));
    block[156] = fields.kind.flag();
    if link_fits(fields.link) {
        block[157..157 + fields.link.len()].copy_from_slice(fields.link);
    }
    octal(&mut block[329..337], u64::from(fields.device.0));
    octal(&mut block[337..345], u64::from(fields.device.1));
    seal(block)
}

/// Returns the header in front of `size` bytes of PAX records for the entry `name`.
pub(super) fn extended(name: &[u8], size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let label = [b"PaxHeaders/", tail(name)].concat();
    let label = &label[..label.len().min(NAME)];
    block[..label.len()].copy_from_slice(label);
    octal(&mut block[100..108], 0o644);
    octal(&mut block[108..116], 0);
    octal(&mut block[116..124], 0);
    octal(&mut block[124..136], size);
    octal(&mut block[136..148], 0);
    block[156] = b'x';
    seal(block)
}

/// Returns the last part of a name as ASCII of at most 88 bytes: only for readers that know no PAX.
fn tail(name: &[u8]) -> &[u8] {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let start = name.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let last = &name[start..];
    let ascii = last.iter().position(|byte| !byte.is_ascii()).unwrap_or(last.len());
    let last = &last[..ascii.min(88)];
    if last.is_empty() { b"entry" } else { last }
}

fn octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    let fits = number_fits(value, u32::try_from(digits).expect("a field has at most 11 digits"));
    let text = format!("{:0digits$o}", if fits { value } else { 0 });
    field[..digits].copy_from_slice(text.as_bytes());
}

/// Adds magic, version and checksum.
fn seal(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}
