//! Writing what was built to where it was asked for.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use notes_console::{Failure, Kind, Ui};
use notes_image::{Store, export, overlay::Layers, tar::Writer};
use notes_oci::{Image, Layout, LayoutError, Reference};
use notes_registry::Remote;

use crate::{
    archive::{self, Format},
    blocking, failure,
    output::{Destination, Output},
    product::Product,
    reporter::Elapsed,
    whole,
};

/// A product on its way out.
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    pub(crate) ui: &'a Ui,
    pub(crate) product: &'a Product,
    pub(crate) references: &'a [Reference],
    pub(crate) remote: &'a Remote,
    pub(crate) store: &'a Store,
}

impl Writing<'_> {
    /// Writes it to `output`.
    pub(crate) async fn write(&self, output: &Output) -> Result<(), Failure> {
        match output {
            Output::Registry => return self.push().await,
            Output::Layout(path) => self.layout(path).await.map_err(failure::new_layout)?,
            Output::LayoutArchive(to) => self.archive(Format::Layout, to).await?,
            Output::DockerArchive(to) => self.archive(Format::Docker, to).await?,
            Output::Tar(to) => self.tar(to).await?,
            Output::Directory(path) => self.directory(path).await?,
        }
        self.ui.step("Wrote", output);
        Ok(())
    }

    async fn push(&self) -> Result<(), Failure> {
        let _section = self.ui.section("push", "Pushing the image");
        for reference in self.references {
            let started = Instant::now();
            self.product.write(self.remote, reference).await.map_err(failure::push)?;
            let elapsed = Elapsed(started.elapsed());
            self.ui.step("Pushed", format_args!("{reference} in {elapsed}"));
        }
        Ok(())
    }

    async fn layout(&self, path: &Path) -> Result<(), LayoutError> {
        let layout = Layout::create(path).await?;
        for reference in self.references {
            self.product.write(&layout, reference).await?;
        }
        Ok(())
    }

    async fn archive(&self, format: Format, to: &Destination) -> Result<(), Failure> {
        let (product, references) = (self.product.clone(), self.references.to_vec());
        write_to(to, move |output| archive::write(&product, &references, format, output)).await
    }

    async fn tar(&self, to: &Destination) -> Result<(), Failure> {
        let trees = self.trees().await?;
        write_to(to, move |output| {
            let mut archive = Writer::new(output);
            for (prefix, tree) in &trees {
                export::archive(tree, prefix, &mut archive).map_err(io::Error::other)?;
            }
            archive.finish()?.flush()
        })
        .await
    }

    async fn directory(&self, path: &Path) -> Result<(), Failure> {
        for (prefix, tree) in self.trees().await? {
            let target = path.join(prefix);
            blocking(move || export::directory(&tree, &target)).await.map_err(failure::export)?;
        }
        Ok(())
    }

    /// Returns the files of each image and where they go: with several platforms each has a directory of its own, as
    /// docker names it.
    async fn trees(&self) -> Result<Vec<(PathBuf, Layers)>, Failure> {
        let images = self.product.images();
        let mut trees = Vec::with_capacity(images.len());
        for image in images {
            let tree = self.store.files(image.layers()).await;
            let tree = tree.map_err(|error| Failure::new(Kind::Internal, error))?;
            trees.push((if images.len() > 1 { prefix(image) } else { PathBuf::new() }, tree));
        }
        Ok(trees)
    }
}

fn prefix(image: &Image) -> PathBuf {
    image.config().platform.to_string().replace('/', "_").into()
}

/// Runs `write` with what `to` names.
async fn write_to(
    to: &Destination,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Result<(), Failure> {
    match to.clone() {
        Destination::Stdout => {
            let written = blocking(move || {
                let mut output = BufWriter::with_capacity(1 << 17, io::stdout().lock());
                write(&mut output)?;
                output.flush()
            });
            written.await.map_err(|error| failure::path(Path::new("/dev/stdout"), error))
        }
        Destination::File(path) => {
            let file = path.clone();
            let written = blocking(move || whole::write(&file, write));
            written.await.map_err(|error| failure::path(&path, error))
        }
    }
}
