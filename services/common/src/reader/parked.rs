//! Parked events that an operator wants applied after all.

use prost::Message;
use relight_proto::events::v1::Event;
use tokio_util::sync::CancellationToken;

use super::{
    Consumer,
    apply::{apply, prepare},
    failure::{Failure, of},
    position::lock_one,
};
use crate::{db::Db, dead_letter, error::Error, work::Work};

/// Applies parked events that an operator asked to retry, oldest first; those behind one follow it, and wait on when it
/// fails again.
pub(super) async fn retry_asked<C: Consumer>(
    db: &Db,
    source: &'static str,
    consumer: &C,
    stop: &CancellationToken,
) -> Result<(), Error> {
    loop {
        let mut resolved = 0;
        for letter in dead_letter::asked(db.pool(), source).await? {
            if stop.is_cancelled() {
                return Ok(());
            }
            match again(db, source, &letter, consumer).await {
                Ok(()) => resolved += 1,
                Err(failure) => dead_letter::note(db.pool(), &letter, &failure.reason, failure.again).await?,
            }
        }
        if resolved == 0 {
            return Ok(());
        }
    }
}

/// Applies one parked event and resolves it. The position's lock keeps a second reader from applying it too, and from
/// parking a later event behind it while it is being resolved.
async fn again<C: Consumer>(
    db: &Db,
    source: &'static str,
    letter: &dead_letter::Letter,
    consumer: &C,
) -> Result<(), Failure> {
    if letter.is_lost() {
        return close(db, letter).await.map_err(of);
    }
    let event =
        Event::decode(letter.event.as_slice()).map_err(|error| of(Error::Decode("a parked event", error)))?;
    let prepared = prepare(consumer, &event).await?;
    let mut work = Work::internal(db, "", db.clock().now()).await.map_err(of)?;
    lock_one(&mut work, source, letter.partition_no)
        .await
        .map_err(of)?;
    if dead_letter::resolve(work.conn(), letter).await.map_err(of)? {
        apply(&mut work, vec![(&event, prepared)], consumer).await?;
        work.done().await.map_err(of)?;
    }
    Ok(())
}

/// What an operator says was made good by hand is over.
async fn close(db: &Db, letter: &dead_letter::Letter) -> Result<(), Error> {
    let mut work = Work::internal(db, "", db.clock().now()).await?;
    if dead_letter::resolve(work.conn(), letter).await? {
        work.audit("reader.skip_closed", &letter.subject, serde_json::json!({}));
        work.done().await?;
    }
    Ok(())
}
