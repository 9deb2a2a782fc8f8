//! Tests against a real server: a private one, or that of `OTARIA_TEST_URL`.

mod connection;
