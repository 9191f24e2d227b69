//! Finds the people of an ordered notice and writes their messages, page by page: how far it came is stored in the
//! transaction of the page's messages, so that a crash repeats nothing and skips nobody. While one page is written the next
//! is read, so memory holds two.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use prost::Message;
use relight_common::{
    Clock, Code, Coded, Db,
    error::chain,
    lease::{self, Lease, pause},
    wire,
};
use relight_proto::events::v1::OutageNotice;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    bells::{self, Bells},
    consumer::outage::read,
    domain::{
        notice::{Channel, Language},
        outage::{Kind, Outage, Special},
        quiet::leave,
        words::{House, Vars},
    },
    error::Error,
    people::{self, Affected, PAGE, People, Recipient},
    rounds::hold,
    seal::Sealer,
    store::{
        message::{self, About, Notice, Row},
        notice::{self, Spreading},
        result::{self, Sharer},
    },
    template::Book,
};

/// Wait after Postgres or another service failed.
const TROUBLE: Duration = Duration::from_secs(1);

/// Spreads notices of outages.
#[derive(Debug)]
pub struct Spreader {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Clock,
    /// Who is told.
    pub people: Arc<People>,
    /// Seals variables.
    pub sealer: Sealer,
    /// The templates.
    pub book: Arc<Book>,
    /// Who we are.
    pub house: House,
    /// Zone of places that have none.
    pub zone: Tz,
    /// Rung for notices that are ordered and for messages that are written.
    pub bells: Arc<Bells>,
}

/// A notice, read.
struct Task {
    at: Spreading,
    event: OutageNotice,
    outage: Outage,
    id: Uuid,
}

/// The page that was read while the one before was written, if there was one: its notice, where it begins, who is on it.
#[derive(Debug, Default)]
pub struct Ahead(Option<(Uuid, String, Page)>);

impl Ahead {
    /// Takes it for `at`; something more urgent, or an end, may have come between.
    fn take(&mut self, at: &Spreading) -> Option<Page> {
        let (notice, begins, page) = self.0.take()?;
        (notice == at.id && begins == at.page).then_some(page)
    }
}

/// Those of one page, ready to be written.
#[derive(Debug)]
struct Page {
    people: Vec<Affected>,
    recipients: Vec<Recipient>,
    next: Option<String>,
}

/// Those with own supply are told first, in pages of their own: they hear to isolate it (operations.md O3) even where a
/// page before would have told them, or somebody who shares their contact, without it.
const OWN: &str = "own:";
/// Then everybody; who has the message gets no second one.
const ALL: &str = "all:";

/// (only those with own supply, where the page begins)
fn turned_to(page: &str) -> (bool, &str) {
    match (page.strip_prefix(OWN), page.strip_prefix(ALL)) {
        (Some(after), _) => (true, after),
        (_, Some(after)) => (false, after),
        // A notice begins with no page at all.
        _ => (page.is_empty(), page),
    }
}

/// The page that follows; none when everybody was told.
fn following(own_supply: bool, next: &str) -> Option<String> {
    match (own_supply, next) {
        (true, "") => Some(ALL.to_owned()),
        (true, next) => Some(format!("{OWN}{next}")),
        (false, "") => None,
        (false, next) => Some(format!("{ALL}{next}")),
    }
}

/// Whether the same may go well later.
fn is_passing(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::Unavailable | Code::Aborted | Code::DeadlineExceeded
    )
}

impl Spreader {
    /// Spreads until `ended`.
    pub async fn run(&self, lease: &Lease, ended: &CancellationToken) {
        let mut ahead = Ahead::default();
        while !ended.is_cancelled() {
            match self.round(lease, &mut ahead).await {
                Ok(true) => {}
                Ok(false) => bells::wait(&self.bells.notices, ended).await,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "notices have to wait");
                    pause(ended, TROUBLE).await;
                }
            }
        }
    }

    /// One page of the most urgent notice; false when there is none. A notice that can never be spread is given up,
    /// loudly, and the others go on.
    ///
    /// # Errors
    /// What may pass: another service or Postgres is away, or the lease is lost.
    pub async fn round(&self, lease: &Lease, ahead: &mut Ahead) -> Result<bool, Error> {
        let Some(at) = notice::next(self.db.pool()).await? else {
            return Ok(false);
        };
        let id = at.id;
        match self.page(lease, at, ahead).await {
            Err(error) if !is_passing(&error) => {
                tracing::error!(notice.id = %id, error = %chain(&error), "a notice cannot be spread");
                metrics::counter!("relight_notices_failed_total").increment(1);
                notice::fail(self.db.pool(), id, &chain(&error)).await?;
            }
            done => done?,
        }
        Ok(true)
    }

    async fn page(&self, lease: &Lease, at: Spreading, ahead: &mut Ahead) -> Result<(), Error> {
        let task = self.task(at)?;
        let page = match ahead.take(&task.at) {
            Some(page) => page,
            None => self.read(&task, &task.at.page).await?,
        };
        let next = page.next.clone();
        let (written, read) = tokio::join!(self.write_page(lease, &task, page), self.read_ahead(&task, next));
        written?;
        *ahead = Ahead(read);
        Ok(())
    }

    fn task(&self, at: Spreading) -> Result<Task, Error> {
        let event = OutageNotice::decode(at.payload.as_slice())
            .map_err(|error| relight_common::Error::Decode("a stored notice", error))?;
        let outage = read(&event, self.zone)?.ok_or(Error::Stored("notice kind"))?;
        let id = wire::uuid("outage_id", &event.outage_id)?;
        Ok(Task {
            at,
            event,
            outage,
            id,
        })
    }

    async fn read(&self, task: &Task, page: &str) -> Result<Page, Error> {
        let (mut people, next) = self.people_of(task, page).await?;
        let other = wire::uuid_opt("also_affected_set_id", &task.event.also_affected_set_id)?;
        if let Some(other) = other.filter(|_| task.outage.also.is_some() && !people.is_empty()) {
            self.people
                .mark_both(&mut people, other, self.clock.now())
                .await?;
        }
        let customers: Vec<Uuid> = people.iter().map(|one| one.customer).collect();
        Ok(Page {
            recipients: self.people.reachable(&customers).await?,
            people,
            next,
        })
    }

    /// The page that follows, if it can be read; what is in the way is said by the round that needs it.
    async fn read_ahead(&self, task: &Task, next: Option<String>) -> Option<(Uuid, String, Page)> {
        let begins = next?;
        let page = self.read(task, &begins).await.ok()?;
        Some((task.at.id, begins, page))
    }

    async fn write_page(&self, lease: &Lease, task: &Task, page: Page) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        lease::hold(&mut tx, lease).await?;
        if notice::turn(&mut tx, &task.at, page.next.as_deref()).await? {
            self.write(&mut tx, task, page).await?;
            tx.commit()
                .await
                .map_err(Error::db("commit a page of a notice"))?;
            self.bells.ring_all();
        }
        Ok(())
    }

    /// Everybody in the set page by page, or the customers the notice names, as many at one time.
    async fn people_of(&self, task: &Task, page: &str) -> Result<(Vec<Affected>, Option<String>), Error> {
        let set = wire::uuid_opt("affected_set_id", &task.event.affected_set_id)?;
        let named = &task.event.customer_ids;
        if named.is_empty() {
            let set = set.ok_or(Error::Stored("notice without a set"))?;
            return self.page_of(set, page).await;
        }
        let from = page.parse().unwrap_or(0).min(named.len());
        let to = named.len().min(from + PAGE as usize);
        let some: Result<Vec<Uuid>, _> = named[from..to]
            .iter()
            .map(|id| wire::uuid("customer_ids", id))
            .collect();
        let some = some?;
        let people = match set {
            // Those who are released are not in the set any more.
            Some(set) if task.outage.kind != Kind::Released => {
                self.people.special_of(set, &some, self.clock.now()).await?
            }
            _ => some
                .into_iter()
                .map(|customer| Affected {
                    customer,
                    special: Special::default(),
                })
                .collect(),
        };
        Ok((people, (to < named.len()).then(|| to.to_string())))
    }

    /// Whoever has the service points of the set at this moment. Nobody with own supply: everybody's first page at once.
    async fn page_of(&self, set: Uuid, page: &str) -> Result<(Vec<Affected>, Option<String>), Error> {
        let (own_supply, after) = turned_to(page);
        let at = self.clock.now();
        let mut asked = people::Page {
            set,
            after,
            own_supply,
            at,
        };
        let (people, next) = self.people.affected(asked).await?;
        if !(own_supply && people.is_empty() && next.is_empty()) {
            return Ok((people, following(own_supply, &next)));
        }
        asked.own_supply = false;
        let (people, next) = self.people.affected(asked).await?;
        Ok((people, following(false, &next)))
    }

    async fn write(&self, conn: &mut PgConnection, task: &Task, page: Page) -> Result<(), Error> {
        let now = self.clock.now();
        let customers: Vec<Uuid> = page.people.iter().map(|one| one.customer).collect();
        if !task.event.customer_ids.is_empty() {
            let purposes = task.outage.kind.takes_back();
            message::take_back(conn, About::Outage(task.id), purposes, Some(&customers), now).await?;
        }
        let own = page.recipients.iter().filter(|one| !one.role.is_beside());
        let has: HashSet<Uuid> = own.filter_map(Recipient::customer).collect();
        let none: Vec<Uuid> = customers.into_iter().filter(|one| !has.contains(one)).collect();
        result::unreached(conn, task.at.id, &none, now).await?;

        let special: HashMap<Uuid, Special> = page
            .people
            .iter()
            .map(|one| (one.customer, one.special))
            .collect();
        let of = |one: &Recipient| {
            let customer = one.customer().and_then(|customer| special.get(&customer));
            customer.copied().unwrap_or_default()
        };
        // Of those who share a contact the most special decides the words; the customer's own comes before who stands beside one.
        let (mut important, mut ordinary): (Vec<_>, Vec<_>) =
            page.recipients.into_iter().partition(|one| of(one).important);
        for some in [&mut important, &mut ordinary] {
            some.sort_by_key(|one| (one.role.is_beside(), !of(one).own_supply, !of(one).also));
            self.write_rows(conn, task, some, &of, now).await?;
        }
        Ok(())
    }

    async fn write_rows(
        &self,
        conn: &mut PgConnection,
        task: &Task,
        recipients: &[Recipient],
        special: &(impl Fn(&Recipient) -> Special + Sync),
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let Some(first) = recipients.first() else {
            return Ok(());
        };
        let (purpose, template) = (task.outage.kind.purpose(), task.outage.template(special(first)));
        let version = i64::from(task.event.plan_no);
        let notice = Notice {
            purpose,
            subject: task.at.id,
            version,
            incident: None,
            outage: Some(task.id),
            case: None,
            org_path: &task.at.org_path,
            zone: task.outage.zone.name(),
            template,
            template_version: self.book.current(template),
            traceparent: &task.at.traceparent,
            created_at: now,
        };
        let mut words: HashMap<(Language, Channel, Special), Vars> = HashMap::new();
        let rows: Vec<Row> = recipients
            .iter()
            .map(|one| {
                let special = special(one);
                let vars = words
                    .entry((one.language, one.channel, special))
                    .or_insert_with(|| task.outage.vars(&self.house, one.language, one.channel, special));
                self.row(&task.outage, one, special, vars, now)
            })
            .collect();
        // An important customer's message, and one a life hangs on, goes on every channel at once.
        let is_special = special(first).important;
        let wakes: HashSet<Uuid> = recipients
            .iter()
            .filter(|one| is_special || special(one).life_support)
            .filter_map(Recipient::customer)
            .collect();
        let rows = hold(rows, purpose, |row| {
            row.customer().is_some_and(|customer| wakes.contains(&customer))
        });
        let new: HashSet<Uuid> = message::insert(conn, &notice, &rows).await?.into_iter().collect();
        let sharers: Vec<Sharer> = rows
            .iter()
            .filter(|row| !row.role.is_beside() && !new.contains(&row.id))
            .filter_map(|row| {
                Some(Sharer {
                    customer: row.customer()?,
                    channel: row.channel.word(),
                    recipient: row.recipient,
                })
            })
            .collect();
        result::share(conn, (purpose.word(), task.at.id, version), &sharers, now).await
    }

    fn row(&self, outage: &Outage, to: &Recipient, special: Special, vars: &Vars, now: DateTime<Utc>) -> Row {
        let wakes = special.important || special.life_support;
        let life = leave(
            outage.kind.purpose(),
            wakes,
            now,
            outage.zone,
            Some(outage.ends_at()),
        );
        let id = Uuid::now_v7();
        Row {
            id,
            reach: to.reach,
            channel: to.channel,
            recipient: to.key,
            masked: to.masked.clone(),
            night: life.night,
            language: to.language,
            sealed: self.sealer.seal(id, vars),
            due_at: life.due_at,
            expires_at: life.expires_at,
            held: false,
            role: to.role,
        }
    }
}
