//! Build contexts: the trees that `COPY` and `ADD` take files from.

mod directory;
mod ignoring;
mod listing;

pub use directory::Directory;
pub use ignoring::Ignoring;
pub use listing::Listing;
