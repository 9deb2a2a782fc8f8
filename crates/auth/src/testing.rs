use std::fmt::Debug;

#[cfg(feature = "rsa")]
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
#[cfg(feature = "rsa")]
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use otaria_codec::{Capabilities, Decode, Encode, PayloadWriter};

use crate::{
    AuthError, AuthPlugin, AuthPluginFactory, AuthStep, Channel, Password, SCRAMBLE_BYTES,
};

/// The payload of a packet.
pub(crate) fn encoded(packet: &impl Encode, capabilities: Capabilities) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode(capabilities, &mut PayloadWriter::new(&mut out));
    out
}

/// Decodes `payload` and checks that encoding gives the same bytes again.
pub(crate) fn round_trip<'a, P>(payload: &'a [u8], capabilities: Capabilities) -> P
where
    P: Decode<'a> + Encode + Debug,
{
    let packet = P::decode(payload, capabilities).unwrap();
    assert_eq!(encoded(&packet, capabilities), payload, "{packet:?}");
    packet
}

/// Checks that no proper prefix of `payload` decodes, and that none panics.
pub(crate) fn every_prefix_is_refused<'a, P>(payload: &'a [u8], capabilities: Capabilities)
where
    P: Decode<'a> + Debug,
{
    for end in 0..payload.len() {
        let result = P::decode(&payload[..end], capabilities);
        assert!(result.is_err(), "{end} bytes decoded as {result:?}");
    }
}

/// The bytes that hexadecimal digits stand for; white space between them is left out.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.split_whitespace().collect::<String>().into_bytes();
    let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

/// A plugin that sends the password in clear, under any name, as often as the server asks.
#[derive(Debug)]
pub(crate) struct Clear(&'static str);

impl Clear {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self(name)
    }
}

impl AuthPluginFactory for Clear {
    fn name(&self) -> &str {
        self.0
    }

    fn needs_proven_channel(&self) -> bool {
        true
    }

    fn start(&self, password: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        Box::new(ClearDialogue(password.clone()))
    }
}

#[derive(Debug)]
struct ClearDialogue(Password);

impl AuthPlugin for ClearDialogue {
    fn respond(
        &mut self,
        _: &[u8],
        _: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        out.bytes_nul(self.0.as_bytes());
        Ok(AuthStep::Respond)
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        None
    }
}

/// 01 to 14, the scramble of the vectors.
pub(crate) const SCRAMBLE: [u8; SCRAMBLE_BYTES] = *b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\
    \x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14";

/// The random bytes that plugins are given.
pub(crate) const NONCE: [u8; 32] = *b" !\"#$%&'()*+,-./0123456789:;<=>?";

/// What `plugin` answers to `data`.
pub(crate) fn respond(plugin: &mut dyn AuthPlugin, data: &[u8]) -> Result<Vec<u8>, AuthError> {
    respond_over(Channel::Plain, plugin, data)
}

/// What `plugin` answers to `data` over `channel`.
pub(crate) fn respond_over(
    channel: Channel,
    plugin: &mut dyn AuthPlugin,
    data: &[u8],
) -> Result<Vec<u8>, AuthError> {
    let (step, out) = step_over(channel, plugin, data)?;
    assert!(matches!(step, AuthStep::Respond), "{step:?}");
    Ok(out)
}

/// What `plugin` does at `data` over `channel`, and what it writes.
pub(crate) fn step_over(
    channel: Channel,
    plugin: &mut dyn AuthPlugin,
    data: &[u8],
) -> Result<(AuthStep, Vec<u8>), AuthError> {
    let mut out = Vec::new();
    let mut writer = PayloadWriter::new(&mut out);
    let step = plugin.respond(data, channel, &mut writer)?;
    Ok((step, out))
}

/// Every channel there is, and whether it proves the server.
pub(crate) const CHANNELS: [(Channel, bool); 4] = [
    (Channel::Plain, false),
    (Channel::UnixSocket, true),
    (Channel::Tls { proven: false }, false),
    (Channel::Tls { proven: true }, true),
];

/// A plugin that answers with what it was sent, and to `wait` with nothing.
#[derive(Debug)]
pub(crate) struct Echo;

impl AuthPluginFactory for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn needs_proven_channel(&self) -> bool {
        false
    }

    fn start(&self, _: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        Box::new(Self)
    }
}

impl AuthPlugin for Echo {
    fn respond(
        &mut self,
        data: &[u8],
        _: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        if data == b"wait" {
            return Ok(AuthStep::Wait);
        }
        out.bytes(data);
        Ok(AuthStep::Respond)
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        None
    }
}

/// A server that has an RSA key.
#[cfg(feature = "rsa")]
pub(crate) struct RsaServer(PrivateDecryptingKey);

#[cfg(feature = "rsa")]
impl RsaServer {
    pub(crate) fn new() -> Self {
        Self(PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap())
    }

    /// Its public key in PEM, as `openssl rsa -pubout` writes it.
    pub(crate) fn public_key(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
        let digits = base64(der.as_ref());
        let lines = digits.as_bytes().chunks(64);
        let lines: Vec<&str> = lines.map(|line| str::from_utf8(line).unwrap()).collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    /// What it reads out of `encrypted`, whose mask was [`SCRAMBLE`].
    pub(crate) fn decrypt(&self, encrypted: &[u8]) -> Vec<u8> {
        let key = OaepPrivateDecryptingKey::new(self.0.clone()).unwrap();
        let mut masked = vec![0; key.min_output_size()];
        let masked = key.decrypt(&OAEP_SHA1_MGF1SHA1, encrypted, &mut masked, None);
        let masked = masked.unwrap().iter().zip(SCRAMBLE.iter().cycle());
        masked.map(|(byte, mask)| byte ^ mask).collect()
    }
}

#[cfg(feature = "rsa")]
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let word = u32::from_be_bytes(word);
        for place in 0..4 {
            let digit = usize::try_from(word >> (18 - 6 * place) & 0x3f).unwrap();
            digits.push(if place <= chunk.len() {
                char::from(DIGITS[digit])
            } else {
                '='
            });
        }
    }
    digits
}
