use std::fmt::Debug;

use otaria_codec::{Capabilities, Decode, Encode, PayloadWriter};

use crate::{AuthError, AuthPlugin, AuthPluginFactory, AuthStep, Channel, Password};

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

/// The random bytes that plugins are given.
pub(crate) const NONCE: [u8; 32] = *b" !\"#$%&'()*+,-./0123456789:;<=>?";

/// What `plugin` answers to `data`.
pub(crate) fn respond(plugin: &mut dyn AuthPlugin, data: &[u8]) -> Result<Vec<u8>, AuthError> {
    let mut out = Vec::new();
    let mut writer = PayloadWriter::new(&mut out);
    let step = plugin.respond(data, Channel::Plain, &mut writer)?;
    assert!(matches!(step, AuthStep::Respond), "{step:?}");
    Ok(out)
}

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
