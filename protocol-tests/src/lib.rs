//! What the tests of Otaria stand on: a fake server made of the codec's own encoders
//! ([`script`]), TLS around it ([`encrypted`]), an in-memory pipe that cuts where it is told to ([`pipe`]), seeded faults
//! ([`chaos`]), futures dropped at every poll ([`polls`]), transcripts of real exchanges
//! ([`fixture`]) and real servers ([`live`]).

pub mod chaos;
pub mod encrypted;
pub mod fixture;
pub mod live;
pub mod pipe;
pub mod polls;
pub mod script;
