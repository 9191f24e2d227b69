//! Frames on the socket: length first, then the library's codec on exactly one frame.
//!
//! The library decodes a stream and ends it at the first PDU it cannot read. Here one such PDU costs only itself: the
//! stream stays in step, and a provider that sends a broken receipt again and again cannot keep the bind down.

use rusmpp::Command;
use rusmpp::tokio_codec::CommandCodec;
use std::io;
use tokio_util::bytes::{Buf, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

const HEADER: usize = 16;
/// Far above any PDU with a `message_payload` of 64 KiB.
const FRAME_MAX: usize = 80 * 1024;
const DELIVER_SM: u32 = 0x05;

/// One PDU as it came.
#[derive(Debug)]
pub(super) enum Frame {
    /// Read.
    Command(Box<Command>),
    /// A whole frame whose content is not valid.
    Unreadable { id: u32, sequence: u32 },
}

/// Codec of the session.
#[derive(Debug, Default)]
pub(super) struct Wire;

impl Decoder for Wire {
    type Item = Frame;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, io::Error> {
        if src.len() < HEADER {
            return Ok(None);
        }
        let length = word(src, 0) as usize;
        if !(HEADER..=FRAME_MAX).contains(&length) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a frame with an impossible length",
            ));
        }
        if src.len() < length {
            src.reserve(length - src.len());
            return Ok(None);
        }
        Ok(Some(read(src.split_to(length))))
    }
}

impl Encoder<Command> for Wire {
    type Error = io::Error;

    fn encode(&mut self, command: Command, dst: &mut BytesMut) -> Result<(), io::Error> {
        CommandCodec::new().encode(command, dst).map_err(io::Error::other)
    }
}

fn read(frame: BytesMut) -> Frame {
    let (id, sequence) = (word(&frame, 4), word(&frame, 12));
    let whole = decode(frame.clone());
    let command = if whole.is_none() && id == DELIVER_SM {
        without_optional(frame).and_then(decode)
    } else {
        whole
    };
    command.map_or(Frame::Unreadable { id, sequence }, |command| {
        Frame::Command(Box::new(command))
    })
}

fn decode(mut frame: BytesMut) -> Option<Command> {
    CommandCodec::new()
        .without_max_length()
        .decode(&mut frame)
        .ok()
        .flatten()
}

/// A deliver_sm cut after its mandatory part. Providers get optional parameters wrong (an id without its NUL); the
/// text of the receipt still says everything.
fn without_optional(mut frame: BytesMut) -> Option<BytesMut> {
    let mut rest = &frame[HEADER..];
    // service_type; source; destination; three octets and two times; five octets, the last is the text's length.
    for octets_before in [0, 2, 2, 3, 0] {
        rest = rest.get(octets_before..)?;
        let end = rest.iter().position(|b| *b == 0)?;
        rest = &rest[end + 1..];
    }
    let text_length = usize::from(*rest.get(4)?);
    let after_text = rest.get(5 + text_length..)?.len();
    let length = frame.len() - after_text;
    frame.truncate(length);
    frame[..4].copy_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
    Some(frame)
}

fn word(octets: &[u8], at: usize) -> u32 {
    octets
        .get(at..)
        .map(|mut rest| if rest.len() < 4 { 0 } else { rest.get_u32() })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusmpp::pdus::DeliverSm;
    use rusmpp::types::{COctetString, OctetString};
    use rusmpp::{CommandStatus, Pdu};

    fn deliver(text: &str) -> BytesMut {
        let pdu = DeliverSm::builder()
            .source_addr(COctetString::from_string("8613800138000".into()).expect("fits"))
            .short_message(OctetString::from_slice(text.as_bytes()).expect("fits"))
            .build();
        let mut octets = BytesMut::new();
        Wire.encode(Command::new(CommandStatus::EsmeRok, 7, pdu), &mut octets)
            .expect("encodes");
        octets
    }

    fn append(octets: &mut BytesMut, optional: &[u8]) {
        octets.extend_from_slice(optional);
        let length = u32::try_from(octets.len()).expect("small");
        octets[..4].copy_from_slice(&length.to_be_bytes());
    }

    #[test]
    fn a_receipt_with_a_broken_optional_parameter_is_still_read() {
        let mut octets = deliver("id:1 stat:DELIVRD");
        append(&mut octets, &[0x00, 0x1e, 0x00, 0x02, b'4', b'2']); // receipted_message_id without its NUL
        let Ok(Some(Frame::Command(command))) = Wire.decode(&mut octets) else {
            panic!("unreadable")
        };
        let Some(Pdu::DeliverSm(deliver)) = command.pdu() else {
            panic!("another PDU")
        };
        assert_eq!(deliver.short_message().as_ref(), b"id:1 stat:DELIVRD");
        assert!(octets.is_empty());
    }

    #[test]
    fn an_unreadable_frame_costs_only_itself() {
        let mut octets = deliver("first");
        octets[16] = 0xff; // service_type is not ASCII
        octets.extend_from_slice(&deliver("second"));
        assert!(matches!(
            Wire.decode(&mut octets),
            Ok(Some(Frame::Unreadable { id: 5, sequence: 7 }))
        ));
        assert!(matches!(Wire.decode(&mut octets), Ok(Some(Frame::Command(_)))));
    }

    #[test]
    fn an_impossible_length_ends_the_stream() {
        for length in [0u32, 15, u32::MAX] {
            let mut octets = BytesMut::from(&[0u8; 16][..]);
            octets[..4].copy_from_slice(&length.to_be_bytes());
            assert!(Wire.decode(&mut octets).is_err(), "{length}");
        }
    }

    #[test]
    fn a_frame_in_pieces_is_waited_for() {
        let whole = deliver("id:1");
        let mut octets = BytesMut::new();
        for octet in &whole[..whole.len() - 1] {
            octets.extend_from_slice(&[*octet]);
            assert!(matches!(Wire.decode(&mut octets), Ok(None)));
        }
        octets.extend_from_slice(&whole[whole.len() - 1..]);
        assert!(matches!(Wire.decode(&mut octets), Ok(Some(Frame::Command(_)))));
    }
}
