//! The whole of it, on layers as overlayfs would leave them.

mod fixture;
mod hostile;
mod landing;
mod meanwhile;
mod random;
