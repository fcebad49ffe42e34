//! A small image that runs: busybox, and nothing else.

use std::{fs, io};

use bytes::Bytes;
use notes_oci::{Descriptor, DiffId, Digest, History, Image, Layer, MediaType, Platform};

use crate::skip;

/// Where Debian's `busybox-static` has it.
const BUSYBOX: &str = "/usr/bin/busybox";
/// What its commands are called in the image.
const APPLETS: [&str; 8] = ["sh", "cat", "echo", "httpd", "id", "ls", "sleep", "true"];

/// Returns an image that runs `command` as an ordinary user, or says why `test` is skipped.
///
/// # Panics
///
/// Where an archive in memory cannot be written.
pub fn busybox(test: &str, command: &[&str]) -> Option<Image> {
    Some(image(&static_busybox(test)?, command))
}

/// Returns an image whose program is made for a processor that this machine does not have, though the image does not say so.
///
/// # Panics
///
/// Where an archive in memory cannot be written.
pub fn foreign(test: &str) -> Option<Image> {
    // The field `e_machine` of an ELF header (elf(5)); this one is nobody's.
    const MACHINE: std::ops::Range<usize> = 18..20;
    let mut program = static_busybox(test)?;
    program[MACHINE].copy_from_slice(&0xfeed_u16.to_le_bytes());
    Some(image(&program, &["true"]))
}

fn image(program: &[u8], command: &[&str]) -> Image {
    let bytes = Bytes::from(archive(program).expect("memory takes every file"));
    let diff_id = DiffId::from(Digest::of(&bytes));
    let layer = Layer::new(Descriptor::of(MediaType::Layer, &bytes), diff_id, bytes);
    let image = Image::scratch(Platform::native()).with_layer(layer, History::default());
    image.with_config(|config| {
        config.config.env = vec!["PATH=/bin".into()];
        config.config.user = "10001".into();
        config.config.cmd = Some(command.iter().map(|word| (*word).to_owned()).collect());
    })
}

/// Returns a program that runs without any file beside it, or says why `test` is skipped.
pub fn static_busybox(test: &str) -> Option<Vec<u8>> {
    let program = fs::read(BUSYBOX).unwrap_or_default();
    // A dynamic one would need its loader and libraries in the image.
    let interpreter = b"/lib64/ld-linux";
    let is_dynamic = program.windows(interpreter.len()).any(|window| window == interpreter);
    if program.is_empty() || is_dynamic {
        skip(test, "there is no static busybox to make an image of");
        return None;
    }
    Some(program)
}

fn archive(busybox: &[u8]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let header = |kind, size| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o755);
        header
    };
    archive.append_data(&mut header(tar::EntryType::Directory, 0), "bin/", io::empty())?;
    let mut program = header(tar::EntryType::Regular, busybox.len() as u64);
    archive.append_data(&mut program, "bin/busybox", busybox)?;
    for applet in APPLETS {
        let mut link = header(tar::EntryType::Symlink, 0);
        archive.append_link(&mut link, format!("bin/{applet}"), "busybox")?;
    }
    archive.into_inner()
}
