use std::ops::Range;

use otaria_codec::{InvalidPacket, PacketDecoder};

use crate::commands::SequenceNumbers;

/// What was received: packets, inside compressed ones if that was negotiated.
#[derive(Debug)]
pub(crate) struct Receiver {
    packets: PacketDecoder,
    /// What lies between the transport and `packets`.
    #[cfg(feature = "compression")]
    compressed: Option<otaria_codec::CompressedDecoder>,
}

impl Receiver {
    /// A receiver of plain packets that refuses payloads longer than `max_payload_bytes`.
    pub(crate) fn new(max_payload_bytes: usize) -> Self {
        Self {
            packets: PacketDecoder::new(max_payload_bytes),
            #[cfg(feature = "compression")]
            compressed: None,
        }
    }

    /// The packets themselves: their limit, their sequence numbers, their payloads.
    pub(crate) const fn packets(&self) -> &PacketDecoder {
        &self.packets
    }

    /// Like [`packets`](Self::packets), to set limit and sequence number.
    pub(crate) const fn packets_mut(&mut self) -> &mut PacketDecoder {
        &mut self.packets
    }

    /// The numbers that an answer to the latest packet must have.
    pub(crate) fn sequence_numbers(&self) -> SequenceNumbers {
        SequenceNumbers {
            packet: self.packets.sequence_number(),
            #[cfg(feature = "compression")]
            compressed: self
                .compressed
                .as_ref()
                .map_or(0, otaria_codec::CompressedDecoder::sequence_number),
        }
    }

    /// Where the transport appends what it receives.
    #[inline]
    pub(crate) fn buffer_mut(&mut self) -> &mut Vec<u8> {
        #[cfg(feature = "compression")]
        if let Some(compressed) = &mut self.compressed {
            return compressed.buffer_mut();
        }
        self.packets.buffer_mut()
    }

    /// The bytes received and not yet read.
    pub(crate) fn unread(&self) -> usize {
        #[cfg(feature = "compression")]
        if let Some(compressed) = &self.compressed {
            return compressed.unread() + self.packets.unread();
        }
        self.packets.unread()
    }

    /// The next whole payload, like [`PacketDecoder::poll_packet`].
    #[cfg(not(feature = "compression"))]
    pub(crate) fn poll_packet(&mut self) -> Result<Option<Range<usize>>, InvalidPacket> {
        self.packets.poll_packet()
    }

    /// The next whole payload, like [`PacketDecoder::poll_packet`]. No more is inflated than it
    /// needs: what has been inflated is held in memory.
    #[cfg(feature = "compression")]
    pub(crate) fn poll_packet(&mut self) -> Result<Option<Range<usize>>, InvalidPacket> {
        loop {
            let packet = self.packets.poll_packet()?;
            let Some(compressed) = &mut self.compressed else {
                return Ok(packet);
            };
            if packet.is_some() || !compressed.poll_packet(self.packets.buffer_mut())? {
                return Ok(packet);
            }
        }
    }

    /// Takes all that is received from now on as compressed packets.
    #[cfg(feature = "compression")]
    pub(crate) fn decompress(&mut self, mut compressed: otaria_codec::CompressedDecoder) {
        compressed
            .buffer_mut()
            .append(&mut self.packets.take_unread());
        self.compressed = Some(compressed);
        self.packets.ignore_sequence_numbers();
    }

    /// Gives memory back that a long response has needed. Called while nothing is expected.
    pub(crate) fn shrink(&mut self) {
        self.packets.shrink();
        #[cfg(feature = "compression")]
        if let Some(compressed) = &mut self.compressed {
            compressed.shrink();
        }
    }
}
