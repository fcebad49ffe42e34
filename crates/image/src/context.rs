//! Build contexts: the trees that `COPY` and `ADD` take files from.

mod directory;
mod listing;

pub use directory::Directory;
pub use listing::Listing;
