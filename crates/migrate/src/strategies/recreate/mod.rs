//! What goes is dropped, what is new is made; what cannot be changed where it is has both done to it.

mod create;
mod drop;
