//! Settings: `notes.toml`, and how a flag, a variable, the file and a default become one value with its origin.
//!
//! ```
//! use notes_console::{Environment, environment, settings::{Candidates, NotesFile, Origin}};
//!
//! let file = NotesFile::parse("notes.toml", "[build]\ndockerfile = \"app/Dockerfile\"\n")?;
//! let environment = Environment::default();
//! let dockerfile = Candidates::new("build.dockerfile")
//!     .flag("--file", None)
//!     .environment(&environment, environment::NOTES_BUILD_DOCKERFILE)?
//!     .file(file.build.dockerfile)
//!     .or("Dockerfile".to_owned());
//! assert_eq!(dockerfile.value, "app/Dockerfile");
//! assert_eq!(dockerfile.origin.to_string(), "notes.toml:2");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod candidates;
mod deploy;
mod file;
mod origin;
mod reader;
mod registry;
mod table;
mod value;

pub use build::BuildSection;
pub use candidates::{Candidates, InvalidVariable};
pub use deploy::{DeploySection, MigrateSection, ProbesSection, ResourcesSection};
pub use file::{FILE_NAME, NotesFile};
pub use origin::{Located, Origin, Place, Setting};
pub use reader::FileError;
pub use registry::RegistrySection;
pub use table::Table;
pub use value::{CommandLine, FromText, List, Seconds, Switch};
