//! Build contexts: the trees that `COPY` and `ADD` take files from.

mod directory;
mod grafted;
mod ignoring;
mod listing;
mod within;

pub use directory::Directory;
pub use grafted::Grafted;
pub use ignoring::Ignoring;
pub use listing::Listing;
pub use within::Within;
