//! TLS between the session and its transport.

use otaria_auth::{Channel, Handshake, ServerInfo, ServerProofOutcome, Unproven};

use super::{Phase, Session};
use crate::error::{CloseReason, Error};
use crate::event::Event;
use crate::tls::{TlsContext, TlsError, TlsLayer};
use crate::{PasswordProblem, TlsInfo, TlsProof};

impl Session {
    /// Begins TLS with the server called `host`, as [`Event::StartTls`] asks. What has been queued
    /// until now goes out in clear.
    ///
    /// # Errors
    /// [`Error::Tls`] if `host` is no name for TLS, which closes the session; [`Error::Closed`] if
    /// TLS was not asked for.
    pub fn start_tls(&mut self, context: &TlsContext, host: &str) -> Result<(), Error> {
        let handshake = self.take_paused()?;
        let clear = self.commands.unwritten().to_vec();
        self.commands.advance(clear.len());
        self.tls = Some(TlsLayer::new(context, host, clear)?);
        self.phase = Phase::Tls(Box::new(handshake));
        Ok(())
    }

    /// Goes on with the TLS handshake. When it is done and the server's certificate is good
    /// enough, the login goes on; nothing is sent before.
    pub(super) fn shake_hands(&mut self) -> Result<Option<Event>, Error> {
        self.decrypt()?;
        let Some(tls) = &mut self.tls else {
            return Ok(None);
        };
        if tls.is_handshaking() {
            return Ok(None);
        }
        let is_local = self.channel == Channel::UnixSocket;
        let verdict = match tls.judge(is_local) {
            Ok(verdict) => verdict,
            Err(error) => {
                tls.close();
                return Err(self.tls_failed(error));
            }
        };
        self.channel = Channel::Tls {
            proven: verdict.proof.is_proven(),
        };
        self.tls_info = Some(tls.info(verdict.proof));
        let failed = Phase::Closed(CloseReason::LoginFailed);
        let Phase::Tls(handshake) = std::mem::replace(&mut self.phase, failed) else {
            return Ok(None);
        };
        let channel = self.channel;
        let step = self.push_login_packets(|out| {
            Handshake::tls_established(*handshake, channel, verdict.server_proof, out)
        });
        self.take_step(step)
    }

    /// Decrypts what was received. Says whether anything has come of it.
    pub(super) fn decrypt(&mut self) -> Result<bool, Error> {
        let Some(tls) = &mut self.tls else {
            return Ok(false);
        };
        match tls.decrypt(self.received.buffer_mut()) {
            Ok(false) if tls.is_closed_by_peer() => Err(self.lost()),
            Ok(decrypted) => Ok(decrypted),
            Err(error) => Err(self.tls_failed(error)),
        }
    }

    /// The bytes to send next where TLS has begun.
    pub(super) fn unwritten_ciphertext(&mut self) -> &[u8] {
        self.encrypt();
        self.tls.as_ref().map_or(&[], TlsLayer::unwritten)
    }

    /// Encrypts the rest of the command that is to be sent next, unless ciphertext is left. What
    /// has been encrypted cannot be taken back.
    pub(super) fn encrypt(&mut self) {
        let Some(tls) = &mut self.tls else {
            return;
        };
        let plain = self.commands.unwritten_command();
        if tls.is_handshaking() || plain.is_empty() || !tls.unwritten().is_empty() {
            return;
        }
        match tls.encrypt(plain) {
            Ok(bytes) => self.commands.advance(bytes),
            Err(_) => self.close(CloseReason::Lost),
        }
    }

    /// What lies in clear behind the greeting may be anybody's, and would be read as if it had come
    /// by TLS.
    pub(super) fn refuse_bytes_before_tls(&mut self) -> Result<(), Error> {
        match self.received.unread() {
            0 => Ok(()),
            bytes => Err(self.tls_failed(TlsError::BytesBeforeTls { bytes })),
        }
    }

    /// Encrypts the farewell, and says that nothing follows it.
    pub(super) fn close_tls(&mut self) {
        let Some(tls) = &mut self.tls else {
            return;
        };
        if let Ok(bytes) = tls.encrypt(self.commands.unwritten_command()) {
            self.commands.advance(bytes);
            tls.close();
        }
    }

    /// Notes what the login's OK has proven.
    pub(super) fn proven_by_password(&mut self, server: &ServerInfo) {
        let Some(TlsInfo { proof, .. }) = &mut self.tls_info else {
            return;
        };
        let TlsProof::Unproven { password, .. } = proof else {
            return;
        };
        *password = match server.server_proof {
            ServerProofOutcome::Proven => {
                *proof = TlsProof::Password;
                self.channel = Channel::Tls { proven: true };
                return;
            }
            ServerProofOutcome::Unproven(Unproven::NothingToProveBy) => {
                PasswordProblem::NothingToProve
            }
            ServerProofOutcome::Unproven(Unproven::Missing) => PasswordProblem::NotSent,
            ServerProofOutcome::Unproven(_) => PasswordProblem::Mismatch,
            ServerProofOutcome::NotAsked => PasswordProblem::NotWanted,
        };
    }

    fn tls_failed(&mut self, error: TlsError) -> Error {
        self.close(match self.phase {
            Phase::Ready => CloseReason::Lost,
            _ => CloseReason::LoginFailed,
        });
        Error::Tls(error)
    }
}
