//! A call with any bytes as its message.

use bytes::{Buf, BufMut};
use relight_common::{Claims, grpc::Peers};
use tonic::{
    Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
};

use super::draw::Method;

/// Bytes as they are.
#[derive(Debug, Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Raw;
    type Decoder = Raw;
    fn encoder(&mut self) -> Raw {
        Raw
    }
    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn encode(&mut self, message: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}

/// Calls `method` with `message` as `claims`.
///
/// # Errors
/// What the service answered instead.
pub async fn call(
    peers: &Peers,
    method: &Method,
    message: Vec<u8>,
    claims: &Claims,
) -> Result<Vec<u8>, Status> {
    let mut client = Grpc::new(peers.to(&method.peer));
    client
        .ready()
        .await
        .map_err(|error| Status::unknown(error.to_string()))?;
    let path: PathAndQuery = method.path.parse().expect("a path of the contract");
    let reply = client.unary(peers.request(message, claims), path, Raw).await?;
    Ok(reply.into_inner())
}
