//! The owner's side of the events: `Events.Head` and `Events.Read`, from which a reader pulls what Redis lost.

use prost::Message;
use relight_proto::events::v1::{
    Event, HeadReply, HeadRequest, ReadReply, ReadRequest, events_server::Events, head_reply::Head,
};
use tonic::{Request, Response, Status};

use crate::{
    claims::Role,
    db::{Db, PARTITIONS},
    error::{Error, Invalid, refuse},
    relay::Row,
    wire,
};

/// An answer is filled up to this, well below what a gRPC client takes.
const ANSWER_BYTES: usize = 1 << 20;

/// Serves the events of one service out of its outbox.
#[derive(Debug)]
pub struct Owner {
    db: Db,
}

impl Owner {
    /// Serves the outbox behind `db`.
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

#[tonic::async_trait]
impl Events for Owner {
    async fn head(&self, request: Request<HeadRequest>) -> Result<Response<HeadReply>, Status> {
        wire::caller(&request)?.need(&[Role::Service])?;
        heads(&self.db)
            .await
            .map(Response::new)
            .map_err(refuse(self.db.service()))
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadReply>, Status> {
        wire::caller(&request)?.need(&[Role::Service])?;
        read(&self.db, request.get_ref())
            .await
            .map(Response::new)
            .map_err(refuse(self.db.service()))
    }
}

/// As many events as fit into one answer, at least the first: the reader asks again for the rest.
fn fitting(events: impl Iterator<Item = Event>) -> Vec<Event> {
    let mut left = ANSWER_BYTES;
    let mut fitting = Vec::new();
    for event in events {
        let size = event.encoded_len();
        if size > left && !fitting.is_empty() {
            break;
        }
        left = left.saturating_sub(size);
        fitting.push(event);
    }
    fitting
}

async fn heads(db: &Db) -> Result<HeadReply, Error> {
    let rows: Vec<(i16, i64)> =
        sqlx::query_as("select partition_no, seq from outbox_head order by partition_no")
            .fetch_all(db.pool())
            .await
            .map_err(Error::db("read the heads"))?;
    let heads = rows
        .into_iter()
        .map(|(partition, seq)| Head {
            partition: u32::from(partition.unsigned_abs()),
            seq: seq.unsigned_abs(),
        })
        .collect();
    Ok(HeadReply { heads })
}

/// Events of one partition after a number, in order, as the owner has them.
///
/// # Errors
/// [`Error::Invalid`] for a partition that does not exist, [`Error::Db`].
pub async fn read(db: &Db, request: &ReadRequest) -> Result<ReadReply, Error> {
    let partition = i16::try_from(request.partition)
        .ok()
        .filter(|p| *p < PARTITIONS)
        .ok_or_else(|| Invalid::new("partition", "must be from 0 to 3"))?;
    let limit = if request.limit == 0 {
        500
    } else {
        request.limit.min(1000)
    };
    let rows: Vec<Row> = sqlx::query_as(
        "select id, partition_no, seq, subject, version, type, org_path, occurred_at, traceparent, cause, data
         from outbox where partition_no = $1 and seq > $2 order by seq limit $3",
    )
    .bind(partition)
    .bind(i64::try_from(request.after).unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(db.pool())
    .await
    .map_err(Error::db("read events"))?;
    let (head, oldest): (i64, i64) =
        sqlx::query_as("select seq, oldest from outbox_head where partition_no = $1")
            .bind(partition)
            .fetch_one(db.pool())
            .await
            .map_err(Error::db("read the head"))?;
    let events = fitting(rows.into_iter().map(|row| row.into_event(db.service())));
    Ok(ReadReply {
        events,
        head: head.unsigned_abs(),
        oldest: oldest.unsigned_abs(),
    })
}
