//! What several events ask of the tables is asked by one statement each. The outcome is that of one by one: news of one
//! incident take each other back, so they are written in layers, each with one event of an incident at most. News of
//! different incidents, and those of none, never touch the same rows.

use std::collections::{BTreeMap, HashMap, HashSet, btree_map::Entry};

use relight_common::Work;
use uuid::Uuid;

use super::{
    Notices,
    fault::{News, Telling},
};
use crate::{
    domain::{
        notice::Purpose,
        quiet::{NIGHT, earliest},
        words::Facts,
    },
    error::Error,
    people::Recipient,
    store::{
        incident::{self, Estimate, Incident},
        message::{self, CHUNK, Notice, Row, Withdrawal},
    },
};

/// What events ask for.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The newest version of each. They are saved first: news only need an incident to be there.
    incidents: BTreeMap<Uuid, Incident>,
    layers: Vec<Vec<News>>,
    /// Layers that have news of an incident.
    depths: HashMap<Uuid, usize>,
}

impl From<Incident> for Gathered {
    fn from(incident: Incident) -> Self {
        let mut gathered = Self::default();
        gathered.note(incident);
        gathered
    }
}

impl From<News> for Gathered {
    fn from(news: News) -> Self {
        let mut gathered = Self::default();
        gathered.add(news);
        gathered
    }
}

impl Gathered {
    /// A version of an incident.
    pub(super) fn note(&mut self, incident: Incident) {
        match self.incidents.entry(incident.id) {
            Entry::Vacant(entry) => drop(entry.insert(incident)),
            Entry::Occupied(mut entry) if entry.get().version < incident.version => {
                entry.insert(incident);
            }
            Entry::Occupied(_) => {}
        }
    }

    /// News, behind those that are here of the same incident.
    pub(super) fn add(&mut self, news: News) {
        let layer = news.incident.map_or(0, |incident| {
            let depth = self.depths.entry(incident).or_default();
            *depth += 1;
            *depth - 1
        });
        if layer >= self.layers.len() {
            self.layers.push(Vec::new());
        }
        self.layers[layer].push(news);
    }
}

impl Notices {
    /// Writes what was gathered.
    pub(super) async fn write(&self, work: &mut Work, gathered: Gathered) -> Result<(), Error> {
        let incidents: Vec<Incident> = gathered.incidents.into_values().collect();
        incident::save_all(work.conn(), &incidents).await?;
        for layer in gathered.layers {
            self.layer(work, layer).await?;
        }
        Ok(())
    }

    /// Notes estimates, takes back what is not true any more, and tells.
    async fn layer(&self, work: &mut Work, mut layer: Vec<News>) -> Result<(), Error> {
        let newest = newest_estimates(work, &layer).await?;
        layer.retain(|news| {
            news.purpose != Purpose::Etr || news.incident.is_some_and(|incident| newest.contains(&incident))
        });
        take_back(work, &layer).await?;
        self.tell(work, &layer).await
    }

    /// Writes the messages, about so many at one time that memory holds one chunk of them.
    async fn tell(&self, work: &mut Work, layer: &[News]) -> Result<(), Error> {
        let (mut made, mut count) = (Vec::new(), 0);
        for news in layer {
            let Some(telling) = &news.telling else { continue };
            let rows = self.rows(telling);
            self.bells.ring_after(work, &rows);
            count += rows.len();
            made.push((self.notice(news, telling), rows));
            if count >= CHUNK {
                message::insert_all(work.conn(), &std::mem::take(&mut made)).await?;
                count = 0;
            }
        }
        message::insert_all(work.conn(), &made).await.map(drop)
    }

    fn notice<'a>(&self, news: &'a News, telling: &'a Telling) -> Notice<'a> {
        let template = news.purpose.template();
        Notice {
            purpose: news.purpose,
            subject: news.newer.0,
            version: news.newer.1,
            incident: news.incident,
            outage: None,
            case: None,
            org_path: &telling.org_path,
            zone: telling.zone.name(),
            template,
            template_version: self.book.current(template),
            traceparent: &news.traceparent,
            created_at: self.clock.now(),
        }
    }

    /// The messages that are worth something by the time they may leave.
    fn rows(&self, telling: &Telling) -> Vec<Row> {
        let recipients = telling.recipients.iter();
        recipients.filter_map(|one| self.row(one, telling)).collect()
    }

    fn row(&self, to: &Recipient, telling: &Telling) -> Option<Row> {
        let (facts, zone) = (&telling.facts, telling.zone);
        let purpose = facts.purpose();
        let due_at = earliest(purpose, to.night, self.clock.now(), zone, NIGHT);
        let end = match facts {
            Facts::Etr { etr_at, .. } => Some(*etr_at),
            _ => None,
        };
        let expires_at = purpose.expires_at(due_at, end);
        let id = Uuid::now_v7();
        (due_at < expires_at).then(|| Row {
            id,
            reach: to.reach,
            channel: to.channel,
            recipient: to.key,
            masked: to.masked.clone(),
            night: to.night,
            language: to.language,
            sealed: self.sealer.seal(id, &facts.vars(&self.house, to.language, zone)),
            due_at,
            expires_at,
            held: false,
            role: to.role,
        })
    }
}

/// Notes the estimates of a layer; those incidents whose estimate is newer than what was known of its order.
async fn newest_estimates(work: &mut Work, layer: &[News]) -> Result<HashSet<Uuid>, Error> {
    let estimates: Vec<Estimate> = layer
        .iter()
        .filter(|news| news.purpose == Purpose::Etr)
        .filter_map(|news| {
            let (order, version) = news.newer;
            Some(Estimate {
                incident: news.incident?,
                order,
                version,
            })
        })
        .collect();
    incident::note_estimates(work.conn(), &estimates).await
}

/// Newer news takes unsent older news back: an estimate or an order on its way from everybody, "restored" from those whose
/// supply is back.
async fn take_back(work: &mut Work, layer: &[News]) -> Result<(), Error> {
    let mut withdrawals = Vec::new();
    for news in layer {
        let Some(incident) = news.incident else { continue };
        let (purpose, newer) = (news.purpose, news.newer);
        match purpose {
            Purpose::Etr | Purpose::CrewEnRoute => withdrawals.push(Withdrawal {
                incident,
                purpose,
                newer,
            }),
            Purpose::Restored => {
                let told = news.telling.iter().flat_map(|telling| &telling.recipients);
                let back: Vec<[u8; 32]> = told.map(|one| one.key).collect();
                message::supersede_of(work.conn(), incident, &back, newer).await?;
            }
            _ => {}
        }
    }
    message::supersede(work.conn(), &withdrawals).await
}
