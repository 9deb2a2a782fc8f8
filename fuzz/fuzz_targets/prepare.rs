//! Prepared statements: the packets of a response to a prepare, where what an event encodes to
//! gives an equal event in the same place, and the commands.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_codec::Capabilities;
use otaria_fuzz::{Input, comes_back, encoded};
use otaria_statement::{
    ComStmtBulkExecute, ComStmtClose, ComStmtExecute, ComStmtFetch, ComStmtPrepare,
    ComStmtPrepareOk, ComStmtReset, ComStmtSendLongData, ExecuteParameters, PrepareEvent,
    PrepareReader,
};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let is_command = data.first().is_some_and(|byte| byte & 0x80 != 0);
    let capabilities = input.capabilities();
    if is_command {
        let parameters = u16::from_le_bytes([input.byte(), input.byte()]);
        command(parameters, input.rest(), capabilities);
    } else {
        response(input, capabilities);
    }
});

fn command(parameters: u16, payload: &[u8], capabilities: Capabilities) {
    comes_back!(ComStmtPrepare<'_>, payload, capabilities);
    comes_back!(ComStmtPrepareOk, payload, capabilities);
    comes_back!(ComStmtSendLongData<'_>, payload, capabilities);
    comes_back!(ComStmtClose, payload, capabilities);
    comes_back!(ComStmtReset, payload, capabilities);
    comes_back!(ComStmtFetch, payload, capabilities);
    if let Some(execute) = comes_back!(ComStmtExecute<'_>, payload, capabilities)
        && let Ok(split) = ExecuteParameters::split(execute.parameters, parameters)
    {
        assert_eq!(encoded(&split, capabilities), execute.parameters);
    }
    if let Some(bulk) = comes_back!(ComStmtBulkExecute<'_>, payload, capabilities)
        && let Ok((types, rows)) = bulk.types_and_rows(parameters)
    {
        assert_eq!([types.unwrap_or_default(), rows].concat(), bulk.parameters);
    }
}

fn response(input: Input<'_>, capabilities: Capabilities) {
    let mut reader = PrepareReader::new(capabilities);
    for payload in input.payloads() {
        let mut before = reader.clone();
        match reader.read(payload) {
            Ok(event) => {
                assert!(!before.is_done(), "nothing follows a whole response");
                let again = encode(&event, capabilities);
                assert_eq!(before.read(&again), Ok(event));
            }
            // A reader may be asked again, whatever it says.
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        assert_eq!(before.expects(), reader.expects());
    }
}

fn encode(event: &PrepareEvent<'_>, capabilities: Capabilities) -> Vec<u8> {
    match event {
        PrepareEvent::PrepareOk(packet) => encoded(packet, capabilities),
        PrepareEvent::Err(packet) => encoded(packet, capabilities),
        PrepareEvent::Progress(packet) => encoded(packet, capabilities),
        PrepareEvent::ParameterDefinition(packet) | PrepareEvent::ColumnDefinition(packet) => {
            encoded(packet, capabilities)
        }
        PrepareEvent::ParametersEnd(packet) | PrepareEvent::ColumnsEnd(packet) => {
            encoded(packet, capabilities)
        }
    }
}
