//! An image as `notes-build` makes it: from the files of a commit, by the same libraries.

use std::{io, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use notes_dockerfile::Dockerfile;
use notes_gitinfo::{Kind, Repository, Tree, naming};
use notes_image::{
    Plan, Store,
    build::{self, Resources, build},
    context::Listing,
    plan,
    tree::{self, Entry},
};
use notes_oci::{Image, ImageSink as _, ImageSource as _, Memory, Platform};
use notes_testkit::TestRepo;

/// A program that runs without any file beside it. Two layers, a configuration, and labels that name the commit.
const DOCKERFILE: &str = "\
FROM scratch
COPY bin /bin
COPY greeting /etc/greeting
ENV PATH=/bin
USER 1000:1000
ENTRYPOINT [\"/bin/busybox\"]
CMD [\"cat\", \"/etc/greeting\"]
";
/// What the image prints.
pub(crate) const GREETING: &str = "built from a commit";

/// Builds an image around `program` from a commit, or says why `test` is skipped: there is no git.
pub(crate) async fn image(test: &str, program: &[u8]) -> Option<Image> {
    let repository = TestRepo::new(test)?;
    let path = repository.write("bin/busybox", program);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    repository.write("greeting", format!("{GREETING}\n"));
    repository.write("Dockerfile", DOCKERFILE);
    repository.commit("An image that greets");

    let repository = Repository::discover(repository.path()).unwrap();
    let revision = repository.revision("HEAD").unwrap();
    let files = Arc::new(repository.tree(&revision).unwrap());
    let dockerfile = files.entry(Path::new("Dockerfile")).unwrap().expect("it was committed");
    let dockerfile = String::from_utf8(files.read(&dockerfile).unwrap()).unwrap();
    let dockerfile = Dockerfile::parse(&dockerfile).unwrap();
    let plan = Plan::new(&dockerfile, &plan::Options::default()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let resources = Resources::new(Arc::new(context(files)), Memory::default(), store);
    let labels = naming::labels(&revision, &revision.short);
    let options = build::Options { labels, ..build::Options::default() };
    let built = build(&plan, &resources, &options).await.unwrap().image;
    // Its layers are files of the store, which ends here.
    let (memory, name) = (Memory::default(), "built:1".parse().unwrap());
    memory.write(&built, &name).await.unwrap();
    Some(memory.image(&name, &Platform::native()).await.unwrap())
}

/// The commit's files as a build context.
fn context(files: Arc<Tree>) -> Listing {
    let entries = files.walk(Path::new("")).unwrap();
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| {
            let mode = if entry.kind == Kind::Executable { 0o755 } else { 0o644 };
            let described = match entry.kind {
                Kind::Directory => Entry::directory(),
                _ => Entry::new(tree::Kind::File(files.size(entry).unwrap()), mode),
            };
            (entry.path.clone(), Entry { content: Some(entry.id.to_string()), ..described })
        })
        .collect();
    Listing::new(entries, move |path| {
        let entry = files.entry(path).map_err(io::Error::other)?.ok_or(io::ErrorKind::NotFound)?;
        files.open(&entry).map_err(io::Error::other)
    })
}
