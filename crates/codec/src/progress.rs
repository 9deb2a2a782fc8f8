use crate::{Capabilities, Decode, Encode, InvalidPacket, PayloadReader, PayloadWriter};

/// [Progress
/// report](https://mariadb.com/docs/server/reference/clientserver-protocol/4-server-response-packets/err_packet):
/// an ERR packet with code `0xffff`. Any number of them may come before a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProgressReport<'a> {
    /// The stage that runs, from 1.
    pub stage: u8,
    /// How many stages there are.
    pub max_stage: u8,
    /// How much of the stage is done, in thousandths of a percent.
    pub progress: u32,
    /// The stage's name, such as `copy to tmp table`.
    pub info: &'a [u8],
}

impl<'a> Decode<'a> for ProgressReport<'a> {
    fn decode(payload: &'a [u8], _: Capabilities) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("progress report", payload);
        reader.header(0xff)?;
        match reader.int2()? {
            0xffff => {}
            code => return Err(reader.invalid_field("error code", u64::from(code))),
        }
        // The number of strings, which the documentation leaves out; there is one.
        match reader.int1()? {
            1 => {}
            strings => return Err(reader.invalid_field("number of strings", u64::from(strings))),
        }
        let report = Self {
            stage: reader.int1()?,
            max_stage: reader.int1()?,
            progress: reader.int3()?,
            info: reader.bytes_lenenc()?,
        };
        reader.finish()?;
        Ok(report)
    }
}

impl Encode for ProgressReport<'_> {
    fn encode(&self, _: Capabilities, out: &mut PayloadWriter<'_>) {
        out.bytes(&[0xff, 0xff, 0xff, 1, self.stage, self.max_stage]);
        out.int3(self.progress);
        out.bytes_lenenc(self.info);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{every_prefix_is_refused, round_trip};

    const EXAMPLE: &[u8] = b"\xff\xff\xff\x01\x01\x04\x05\x0d\x00\x11copy to tmp table";

    #[test]
    fn a_progress_report_comes_back() {
        let report = round_trip::<ProgressReport<'_>>(EXAMPLE, Capabilities::empty());
        assert_eq!(
            (report.stage, report.max_stage, report.progress),
            (1, 4, 3333)
        );
        assert_eq!(report.info, b"copy to tmp table");
    }

    #[test]
    fn truncated_progress_report_is_an_error() {
        every_prefix_is_refused::<ProgressReport<'_>>(EXAMPLE, Capabilities::empty());
    }

    #[test]
    fn an_err_packet_is_no_progress_report() {
        let payload = b"\xff\x15\x04#28000no";
        let error = ProgressReport::decode(payload, Capabilities::empty()).unwrap_err();
        let field = "error code";
        assert_eq!(
            error,
            InvalidPacket::Field {
                packet: "progress report",
                field,
                value: 1045
            }
        );
    }
}
