//! What the tests of Otaria stand on.

pub mod live;
