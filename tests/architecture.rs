//! The arrows between crates, and what keeps each crate to its job.
//!
//! A new arrow is a decision: it is made here and in ARCHITECTURE.md, together.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// What each member may use of ours. `dev` arrows (tests) are not restricted; `testkit` is for them.
const ARROWS: [(&str, &[&str]); 11] = [
    ("notes-oci", &[]),
    ("notes-gitinfo", &[]),
    ("notes-dockerfile", &[]),
    ("notes-sandbox", &[]),
    ("notes-console", &[]),
    ("notes-image", &["notes-dockerfile", "notes-oci", "notes-sandbox"]),
    ("notes-registry", &["notes-oci"]),
    ("notes-k8s-deploy", &["notes-oci"]),
    // The embedded server is the registry that tests talk to.
    ("notes-testkit", &["notes-oci", "notes-registry"]),
    (
        "notes-build",
        &[
            "notes-console",
            "notes-dockerfile",
            "notes-gitinfo",
            "notes-image",
            "notes-oci",
            "notes-registry",
            "notes-sandbox",
        ],
    ),
    (
        "notes-deploy",
        &["notes-console", "notes-gitinfo", "notes-k8s-deploy", "notes-oci", "notes-registry"],
    ),
];

/// A technology and the only crates that may name it.
const OWNERS: [(&str, &[&str]); 11] = [
    ("oci-client", &["notes-registry"]),
    ("reqwest", &["notes-registry", "notes-tests"]),
    ("kube", &["notes-k8s-deploy"]),
    ("k8s-openapi", &["notes-k8s-deploy"]),
    ("gix", &["notes-gitinfo"]),
    ("gix-transport", &["notes-gitinfo"]),
    ("rustix", &["notes-image", "notes-sandbox"]),
    // The flags that both binaries have stand once, in the crate that is for them alone.
    ("clap", &["notes-build", "notes-console", "notes-deploy", "xtask"]),
    ("indicatif", &["notes-console"]),
    ("anstream", &["notes-console"]),
    ("testcontainers", &["notes-testkit"]),
];

/// What the binaries must not be made of: a second TLS stack, or C beyond compression (DESIGN, decision 12).
const BANNED: [&str; 7] =
    ["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys", "libgit2-sys", "git2"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .exec()
        .expect("cargo reads this workspace")
}

fn names(package: &Package, kinds: &[DependencyKind]) -> BTreeSet<String> {
    let of_kind = |kind| kinds.contains(kind);
    package
        .dependencies
        .iter()
        .filter(|dependency| of_kind(&dependency.kind))
        .map(|dependency| dependency.name.clone())
        .collect()
}

#[test]
fn crates_know_only_what_the_arrows_allow() {
    let metadata = metadata();
    let arrows: BTreeMap<_, _> = ARROWS.into_iter().collect();
    let ours: BTreeSet<_> = arrows.keys().map(|name| (*name).to_owned()).collect();
    let members = metadata.workspace_packages();
    for name in &ours {
        let package = members
            .iter()
            .find(|package| package.name.as_str() == name)
            .unwrap_or_else(|| panic!("`{name}` is a member"));
        let used: BTreeSet<_> =
            names(package, &[DependencyKind::Normal]).intersection(&ours).cloned().collect();
        let allowed = arrows[name.as_str()].iter().map(|name| (*name).to_owned()).collect();
        let forbidden: Vec<_> = used.difference(&allowed).collect();
        assert!(forbidden.is_empty(), "`{name}` must not know {forbidden:?}");
    }
}

#[test]
fn each_technology_has_its_owner() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let used = names(package, &[DependencyKind::Normal, DependencyKind::Build]);
        for (technology, owners) in OWNERS {
            assert!(
                !used.contains(technology) || owners.contains(&package.name.as_str()),
                "`{}` uses `{technology}`, which belongs to {owners:?}",
                package.name
            );
        }
    }
}

#[test]
fn libraries_do_not_depend_on_command_line_crates() {
    let metadata = metadata();
    let testkit = "notes-testkit";
    for package in metadata.workspace_packages() {
        let is_library = ARROWS[..8].iter().any(|(name, _)| package.name.as_str() == *name);
        let used = names(package, &[DependencyKind::Normal]);
        assert!(!(is_library && used.contains("anyhow")), "`{}` uses anyhow", package.name);
        assert!(
            package.name.as_str() == "xtask"
                || package.name.as_str() == testkit
                || !used.contains(testkit),
            "`{}` uses the test kit outside of tests",
            package.name
        );
    }
}

#[test]
fn nothing_banned_is_linked() {
    let metadata = metadata();
    let linked: BTreeSet<_> =
        metadata.packages.iter().map(|package| package.name.as_str()).collect();
    for name in BANNED {
        assert!(
            !linked.contains(name),
            "`{name}` has come in; `cargo tree -i {name}` says by whom"
        );
    }
}

#[test]
fn unsafe_code_lives_in_the_sandbox_alone() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        if package.name.as_str() == "notes-sandbox" {
            continue;
        }
        let root = package.manifest_path.parent().expect("a manifest has a directory");
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("a manifest is text");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "`{}` does not take the workspace's lints",
            package.name
        );
        for path in rust_files(root.as_std_path()) {
            let text = std::fs::read_to_string(&path).expect("source is text");
            assert!(
                !text.contains("allow(unsafe_code)") && !text.contains("expect(unsafe_code"),
                "`{}` allows unsafe code",
                path.display()
            );
        }
    }
}

fn rust_files(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(directory).expect("a member's directory is readable");
    for entry in entries {
        let path = entry.expect("its entries too").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests/architecture.rs")
        {
            files.push(path);
        }
    }
    files
}
