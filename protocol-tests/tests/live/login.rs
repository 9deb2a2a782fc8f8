//! Logins: who gets in by which plugin, channel and password, what a refusal says, and what a login
//! leaves in the server's books.

mod account;
mod books;
mod refusals;
mod table;
