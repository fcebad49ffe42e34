use super::*;

/// A layer: entries `path kind content`, where `file`, `directory`, `symlink`, `link`.
fn layer(entries: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_uid(7);
        header.set_gid(8);
        header.set_size(0);
        match *kind {
            "file" => {
                header.set_size(content.len() as u64);
                builder.append_data(&mut header, path, content.as_bytes()).unwrap();
            }
            "directory" => {
                header.set_entry_type(EntryType::Directory);
                builder.append_data(&mut header, path, io::empty()).unwrap();
            }
            "symlink" | "link" => {
                let kind = if *kind == "link" { EntryType::Link } else { EntryType::Symlink };
                header.set_entry_type(kind);
                builder.append_link(&mut header, path, content).unwrap();
            }
            other => panic!("no such kind: {other}"),
        }
    }
    builder.into_inner().unwrap()
}

fn tree(layers: &[&[(&str, &str, &str)]]) -> Tree {
    let mut tree = Tree::default();
    for entries in layers {
        tree.apply(&layer(entries)[..]).unwrap();
    }
    tree
}

fn paths(tree: &Tree) -> Vec<String> {
    tree.facts().into_keys().collect()
}

#[test]
fn an_entry_is_described_whole() {
    let tree = tree(&[&[("./a/", "directory", ""), ("a/b", "file", "hi\n")]]);
    let facts = &tree.facts()["/a/b"];
    let line: Vec<_> = facts.iter().map(|(aspect, value)| format!("{aspect}={value}")).collect();
    assert_eq!(line.join(" "), r#"content="hi\n" mode=644 owner=7:8 type=file"#);
}

#[test]
fn parents_that_no_layer_mentions_are_there() {
    assert_eq!(paths(&tree(&[&[("a/b/c", "file", "")]])), ["/a", "/a/b", "/a/b/c"]);
}

#[test]
fn whiteouts_hide_lower_layers_only() {
    let below: &[_] = &[("d/old", "file", ""), ("d/kept", "file", ""), ("gone/x", "file", "")];
    let above: &[_] = &[("d/new", "file", ""), ("d/.wh.old", "file", ""), (".wh.gone", "file", "")];
    assert_eq!(paths(&tree(&[below, above])), ["/d", "/d/kept", "/d/new"]);
    let opaque: &[_] = &[("d/new", "file", ""), ("d/.wh..wh..opq", "file", "")];
    assert_eq!(paths(&tree(&[below, opaque])), ["/d", "/d/new", "/gone", "/gone/x"]);
}

#[test]
fn a_file_over_a_directory_takes_its_children_with_it() {
    let tree = tree(&[&[("d/x", "file", "")], &[("d", "file", "")]]);
    assert_eq!(paths(&tree), ["/d"]);
}

#[test]
fn hard_links_name_each_other_until_one_is_replaced() {
    let linked: &[_] = &[("a", "file", "1"), ("b", "link", "a")];
    assert_eq!(tree(&[linked]).facts()["/b"]["links"], "/a /b");
    let replaced = tree(&[linked, &[("b", "file", "2")]]);
    assert!(!replaced.facts()["/a"].contains_key("links"));
}

#[test]
fn an_entry_below_a_symbolic_link_is_refused() {
    let mut tree = tree(&[&[("bin", "symlink", "usr/bin")]]);
    let error = tree.apply(&layer(&[("bin/x", "file", "")])[..]).unwrap_err();
    assert_eq!(error.to_string(), "`/bin/x`: it lies below what is no directory");
}
