//! The packets of which most responses consist, read without much ado: what nothing is unusual about.
//! What else may come is for [`Session::poll`], which would say the same of these.

use std::sync::Arc;

use super::Session;
use super::expected::Reply;
use crate::event::{Executed, PacketRange};

impl Session {
    /// Takes the head of a result set whose columns are known, and says whether it has come.
    #[inline]
    pub fn take_known_head(&mut self) -> bool {
        if self.is_answered_early() {
            return false;
        }
        let Some(Reply::Response(response)) =
            self.expected.front_mut().map(|front| &mut front.reply)
        else {
            return false;
        };
        let packets = self.received.packets_mut();
        let (Some(packet), Some(execution)) = (packets.peek_whole(), &mut response.execution)
        else {
            return false;
        };
        let Some(known) = self.statements.columns(execution.statement) else {
            return false;
        };
        if !execution.is_first
            || execution.prepare_error.is_some()
            || !(response.reader).read_skipped_head(packets.payload(packet.clone()), known.len())
        {
            return false;
        }
        packets.take_whole(&packet);
        execution.is_first = false;
        response.is_begun = true;
        if !Arc::ptr_eq(&self.columns, known) {
            self.columns = Arc::clone(known);
        }
        self.statements.data_taken(execution.statement);
        self.form = self.row_form(true);
        true
    }

    /// Takes a whole response that is nothing but one row of known columns, if that is all that has
    /// come. It saves two thirds of what its parts cost one by one.
    #[inline]
    pub fn take_only_row(&mut self) -> Option<PacketRange> {
        if self.is_answered_early() {
            return None;
        }
        let packets = self.received.packets_mut();
        let [(_, head), (start, row), (_, end)] = packets.peek_all()?;
        let range = start..start + row.len();
        let Reply::Response(response) = &mut self.expected.front_mut()?.reply else {
            return None;
        };
        let execution = response.execution.as_ref()?;
        let known = self.statements.columns(execution.statement)?;
        if !execution.is_first || execution.prepare_error.is_some() {
            return None;
        }
        let status = (response.reader).read_only_row([head, row, end], known.len())?;
        packets.take_all();
        if !Arc::ptr_eq(&self.columns, known) {
            self.columns = Arc::clone(known);
        }
        self.statements.data_taken(execution.statement);
        self.form = self.row_form(true);
        self.state.set_status(status);
        // What came in one read has needed no memory that would have to be given back.
        self.leave_response();
        Some(PacketRange(range))
    }

    /// Takes the next row, if it has come.
    #[inline]
    pub fn take_row(&mut self) -> Option<PacketRange> {
        if self.lent.is_some() {
            return self.lent.take();
        }
        let Reply::Response(response) = &self.expected.front()?.reply else {
            return None;
        };
        let packets = self.received.packets_mut();
        let packet = packets.peek_whole()?;
        if !response.reader.is_row(packets.payload(packet.clone())) || response.infile.is_refused()
        {
            return None;
        }
        packets.take_whole(&packet);
        Some(PacketRange(packet))
    }

    /// Takes the end of the rows, if it has come and is that of the response.
    #[inline]
    pub fn take_end(&mut self) -> Option<Executed> {
        let Reply::Response(response) = &mut self.expected.front_mut()?.reply else {
            return None;
        };
        if response.infile.is_refused() {
            return None;
        }
        let packets = self.received.packets_mut();
        let packet = packets.peek_whole()?;
        let payload = packets.payload(packet.clone());
        let (status, warnings) = response.reader.read_simple_end(payload)?;
        packets.take_whole(&packet);
        self.state.set_status(status);
        self.next_response();
        Some(Executed {
            warnings,
            ..Executed::default()
        })
    }
}
