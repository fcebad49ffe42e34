//! [`Remote`]: all registries, as a source and a sink of images.

use std::{
    slice,
    sync::{Arc, Mutex},
    time::Duration,
};

use notes_oci::{Image, ImageIndex, ImageSink, ImageSource, Pinned, Platform, Reference, Registry};

use crate::{
    authorization::Authorizations,
    client::Client,
    credentials::Keychain,
    environment::Environment,
    progress::{Reporter, Silent},
    pull::{Pull, PullError, places},
    push::{Push, PushError, Retag},
    retry::Retry,
    transport::{self, HostCertificates, Mirror, Proxies, Roots, TransportError},
};

/// At most so many blobs are sent at once; Docker Hub answers more with 429.
const PARALLEL: usize = 4;

/// How registries are reached, and as whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who we are.
    pub keychain: Keychain,
    /// Where else to pull from, in order. Pushes never go to a mirror.
    pub mirrors: Vec<Mirror>,
    /// Hosts that are spoken to without TLS, beside this machine.
    pub plain_http: Vec<Registry>,
    /// The certificate authorities to trust.
    pub roots: Roots,
    /// The certificates of single registries.
    pub certificates: HostCertificates,
    /// The proxies to go through.
    pub proxies: Proxies,
    /// What happens to a tag that names another image already.
    pub retag: Retag,
    /// What is tried again, and when.
    pub retry: Retry,
    /// How many blobs of one push are sent at once.
    pub parallel: usize,
    /// A transfer in which no byte moves for so long is broken off, and tried again.
    pub patience: Duration,
    /// Who hears of progress and of warnings.
    pub reporter: Arc<dyn Reporter>,
    /// The name we give ourselves.
    pub user_agent: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            keychain: Keychain::anonymous(),
            mirrors: Vec::new(),
            plain_http: Vec::new(),
            roots: Roots::default(),
            certificates: HostCertificates::default(),
            proxies: Proxies::default(),
            retag: Retag::default(),
            retry: Retry::default(),
            parallel: PARALLEL,
            patience: transport::PATIENCE,
            reporter: Arc::new(Silent),
            user_agent: concat!("notes/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

impl Options {
    /// Returns what an environment says: credentials, proxies and certificates, and defaults for the rest.
    pub fn from_environment(environment: &Environment) -> Self {
        Self {
            keychain: Keychain::from_environment(environment),
            roots: Roots::from_environment(environment),
            certificates: HostCertificates::from_environment(environment),
            proxies: Proxies::from_environment(environment),
            ..Self::default()
        }
    }
}

/// All registries. Cheap to clone; clones share connections and tokens.
///
/// # Examples
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use notes_oci::{ImageSink, ImageSource, Platform};
/// use notes_registry::{Keychain, Options, Remote};
///
/// let remote = Remote::new(Options { keychain: Keychain::from_env(), ..Options::default() })?;
/// let base = remote.image(&"python:3.13-slim".parse()?, &Platform::linux("amd64")).await?;
/// let pinned = remote.write(&base, &"registry.example.com/team/python:3.13".parse()?).await?;
/// # drop(pinned);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Remote {
    client: Arc<Client>,
    mirrors: Arc<[Mirror]>,
    retag: Retag,
    parallel: usize,
}

impl Remote {
    /// Returns the registries as `options` reach them. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`TransportError`] where a proxy or a file of certificates is of no use.
    pub fn new(options: Options) -> Result<Self, TransportError> {
        let Options { roots, certificates, proxies, user_agent, .. } = &options;
        let http = transport::Clients::new(roots, certificates, proxies, user_agent)?;
        let client = Client {
            http,
            keychain: options.keychain,
            plain_http: options.plain_http,
            retry: options.retry,
            reporter: options.reporter,
            patience: options.patience,
            authorizations: Authorizations::default(),
            warned: Mutex::default(),
        };
        Ok(Self {
            client: Arc::new(client),
            mirrors: options.mirrors.into(),
            retag: options.retag,
            parallel: options.parallel,
        })
    }

    /// Returns the same registries, which treat tags like this.
    pub fn with_retag(&self, retag: Retag) -> Self {
        Self { retag, ..self.clone() }
    }

    /// Returns the same registries, each read from itself.
    pub fn without_mirrors(&self) -> Self {
        Self { mirrors: [].into(), ..self.clone() }
    }

    /// Returns the digest that `reference` names now; of an index, that of the index. No image is read.
    ///
    /// # Errors
    ///
    /// [`PullError`] where it cannot be found out.
    pub async fn resolve(&self, reference: &Reference) -> Result<Pinned, PullError> {
        self.pull(reference).resolve().await
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn shared_client(&self) -> &Arc<Client> {
        &self.client
    }

    fn pull<'a>(&'a self, reference: &'a Reference) -> Pull<'a> {
        Pull { client: &self.client, reference, places: places(reference, &self.mirrors) }
    }

    fn push<'a>(&'a self, images: &[Image], reference: &'a Reference) -> Push<'a> {
        Push::new(&self.client, images, reference).with(self.retag, self.parallel)
    }
}

impl ImageSource for Remote {
    type Error = PullError;

    async fn image(&self, reference: &Reference, platform: &Platform) -> Result<Image, PullError> {
        self.pull(reference).image(platform).await
    }
}

impl ImageSink for Remote {
    type Error = PushError;

    async fn write(&self, image: &Image, reference: &Reference) -> Result<Pinned, PushError> {
        self.push(slice::from_ref(image), reference).image(image).await
    }

    async fn write_index(
        &self,
        index: &ImageIndex,
        reference: &Reference,
    ) -> Result<Pinned, PushError> {
        self.push(index.images(), reference).index(index).await
    }
}
