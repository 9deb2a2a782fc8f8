use std::fmt;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{ClientConnection, HandshakeKind, ProtocolVersion};

use super::judge::judge;
use super::{TlsContext, TlsError, Verdict};
use crate::{SslMode, TlsInfo, TlsProof};

/// The TLS of one connection: ciphertext on one side, the bytes of packets on the other.
pub(crate) struct TlsLayer {
    connection: ClientConnection,
    context: TlsContext,
    name: ServerName<'static>,
    /// Ciphertext that was received and not yet read.
    received: Vec<u8>,
    /// Ciphertext that is to be sent, of which the first `written` bytes have been.
    outgoing: Vec<u8>,
    written: usize,
    /// Where the ciphertext of the last command ends in `outgoing`.
    command_end: usize,
    is_closed_by_peer: bool,
}

impl TlsLayer {
    /// TLS with the server that calls itself `host`, at its beginning. The bytes of `clear` are
    /// sent before it.
    pub(crate) fn new(context: &TlsContext, host: &str, clear: Vec<u8>) -> Result<Self, TlsError> {
        let name = server_name(host, context.policy.mode)?;
        let connection = ClientConnection::new(Arc::clone(&context.client), name.clone())
            .map_err(|error| TlsError::handshake(&error))?;
        let mut layer = Self {
            connection,
            context: context.clone(),
            name,
            received: Vec::new(),
            outgoing: clear,
            written: 0,
            command_end: 0,
            is_closed_by_peer: false,
        };
        layer.collect();
        Ok(layer)
    }

    /// Where the transport appends what it receives.
    pub(crate) fn buffer_mut(&mut self) -> &mut Vec<u8> {
        self.received.reserve(READ_BYTES);
        &mut self.received
    }

    /// The ciphertext to send next.
    pub(crate) fn unwritten(&self) -> &[u8] {
        self.outgoing.get(self.written..).unwrap_or_default()
    }

    /// Whether ciphertext of a command is left.
    pub(crate) const fn holds_command(&self) -> bool {
        self.written < self.command_end
    }

    pub(crate) const fn is_written(&self) -> bool {
        self.written == self.outgoing.len()
    }

    /// The first `bytes` of [`unwritten`](Self::unwritten) have been sent.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.written += bytes;
        if self.written >= self.outgoing.len() {
            self.written = 0;
            self.command_end = 0;
            self.outgoing.clear();
        }
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether the peer has said that nothing more will come.
    pub(crate) const fn is_closed_by_peer(&self) -> bool {
        self.is_closed_by_peer
    }

    /// Reads what was received, as far as it holds whole records, and appends what is in them to
    /// `plain`. Says whether anything was appended.
    pub(crate) fn decrypt(&mut self, plain: &mut Vec<u8>) -> Result<bool, TlsError> {
        let before = plain.len();
        let mut received = std::mem::take(&mut self.received);
        let read = self.read_records(&received, plain)?;
        received.drain(..read);
        self.received = received;
        self.collect();
        Ok(plain.len() > before)
    }

    /// Reads records from `received` and says how many bytes those took.
    fn read_records(&mut self, received: &[u8], plain: &mut Vec<u8>) -> Result<usize, TlsError> {
        let mut unread = received;
        while !unread.is_empty() {
            // From memory; it fails only while what was read before has not been taken.
            let read = self.connection.read_tls(&mut unread);
            let read = read.map_err(|error| TlsError::Record(error.to_string()))?;
            let processed = self.connection.process_new_packets();
            let state = processed.map_err(|error| self.failed(&error))?;
            self.is_closed_by_peer |= state.peer_has_closed();
            let length = u64::try_from(state.plaintext_bytes_to_read()).unwrap_or(u64::MAX);
            let taken = self.connection.reader().take(length).read_to_end(plain);
            taken.map_err(|error| TlsError::Record(error.to_string()))?;
            if read == 0 {
                break;
            }
        }
        Ok(received.len() - unread.len())
    }

    /// Encrypts the first of `plain` and says how many bytes those were: at most 64 KiB, and some
    /// of any that there are.
    pub(crate) fn encrypt(&mut self, plain: &[u8]) -> Result<usize, TlsError> {
        let encrypted = self.connection.writer().write(plain);
        let encrypted = encrypted.map_err(|error| TlsError::Record(error.to_string()))?;
        self.collect();
        self.command_end = self.outgoing.len();
        Ok(encrypted)
    }

    /// Says that nothing more will be sent.
    pub(crate) fn close(&mut self) {
        self.connection.send_close_notify();
        self.collect();
    }

    /// Judges the certificate, once the handshake is done. A connection within the machine needs
    /// no proof.
    pub(crate) fn judge(&self, is_local: bool) -> Result<Verdict, TlsError> {
        let certificates = self.connection.peer_certificates().unwrap_or_default();
        let policy = &self.context.policy;
        judge(policy, certificates, &self.name, is_local, UnixTime::now())
    }

    /// What there is to tell about a connection whose handshake is done.
    pub(crate) fn info(&self, proof: TlsProof) -> TlsInfo {
        let suite = self.connection.negotiated_cipher_suite();
        TlsInfo {
            version: match self.connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
                Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
                _ => "unknown",
            },
            cipher_suite: suite.map_or_else(String::new, |suite| {
                format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
            }),
            resumed: self.connection.handshake_kind() == Some(HandshakeKind::Resumed),
            proof,
        }
    }

    /// Takes from `rustls` what it wants to send.
    fn collect(&mut self) {
        while self.connection.wants_write() {
            // Into memory, which does not fail.
            if self.connection.write_tls(&mut self.outgoing).is_err() {
                break;
            }
        }
    }

    fn failed(&mut self, error: &rustls::Error) -> TlsError {
        // The alert that tells the server why.
        self.collect();
        if self.connection.is_handshaking() {
            TlsError::handshake(error)
        } else {
            TlsError::Record(error.to_string())
        }
    }
}

/// The name that `host` is for TLS, without the zone that an IPv6 address may have. Where the name is
/// not compared one that TLS cannot carry does no harm, and none is sent.
fn server_name(host: &str, mode: SslMode) -> Result<ServerName<'static>, TlsError> {
    let host = host.split_once('%').map_or(host, |(address, _)| address);
    match ServerName::try_from(host.to_owned()) {
        Ok(name) => Ok(name),
        Err(_) if mode == SslMode::VerifyFull => Err(TlsError::InvalidServerName),
        Err(_) => Ok(ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED))),
    }
}

/// What a read has room for: a record of the greatest length, and what is before and behind it.
const READ_BYTES: usize = 17 * 1024;

/// Shows lengths only.
impl fmt::Debug for TlsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsLayer")
            .field("received", &self.received.len())
            .field("unwritten", &self.unwritten().len())
            .field("is_handshaking", &self.connection.is_handshaking())
            .finish_non_exhaustive()
    }
}
