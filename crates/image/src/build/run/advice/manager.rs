//! Programs that install packages.

use std::{io, path::Path};

use crate::tree::{Tree, follow};

/// A program that installs packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Manager {
    Apt,
    Apk,
    Dnf,
    Microdnf,
    Yum,
    Zypper,
    Pacman,
}

/// The programs, in the order they are looked for: where `dnf` is, `yum` is another name of it.
const MANAGERS: [(&str, Manager); 9] = [
    ("usr/bin/apt-get", Manager::Apt),
    ("sbin/apk", Manager::Apk),
    ("usr/sbin/apk", Manager::Apk),
    ("usr/bin/dnf", Manager::Dnf),
    ("usr/bin/microdnf", Manager::Microdnf),
    ("usr/bin/yum", Manager::Yum),
    ("usr/bin/zypper", Manager::Zypper),
    ("usr/bin/pacman", Manager::Pacman),
    ("bin/apt-get", Manager::Apt),
];

impl Manager {
    /// Finds the one that an image has.
    pub(in super::super) fn of(files: &dyn Tree) -> io::Result<Option<Self>> {
        for (path, manager) in MANAGERS {
            let path = follow(files, Path::new(path))?;
            if files.entry(&path)?.is_some() {
                return Ok(Some(manager));
            }
        }
        Ok(None)
    }

    /// Returns the command that installs what `packages` names.
    pub(super) fn install(self, packages: &str) -> String {
        match self {
            Self::Apt => format!("apt-get update && apt-get install --yes {packages}"),
            Self::Apk => format!("apk add --no-cache {packages}"),
            Self::Dnf => format!("dnf install --assumeyes {packages}"),
            Self::Microdnf => format!("microdnf install --assumeyes {packages}"),
            Self::Yum => format!("yum install --assumeyes {packages}"),
            Self::Zypper => format!("zypper --non-interactive install {packages}"),
            Self::Pacman => format!("pacman -Sy --noconfirm {packages}"),
        }
    }
}
