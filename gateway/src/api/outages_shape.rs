//! What a planned outage looks like over REST.

use chrono::{DateTime, Utc};
use relight_common::{edge::at, wire::timestamp};
use relight_proto::planner::v1::{Outage as WireOutage, Window as WireWindow, Words as WireWords};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// When supply is to end and to be back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Supply ends, never earlier.
    pub off_at: DateTime<Utc>,
    /// Supply is back.
    pub on_at: DateTime<Utc>,
}

impl From<Window> for WireWindow {
    fn from(window: Window) -> Self {
        Self {
            off_at: Some(timestamp(window.off_at)),
            on_at: Some(timestamp(window.on_at)),
        }
    }
}

pub(super) fn window(window: Option<WireWindow>) -> Option<Window> {
    let window = window?;
    Some(Window {
        off_at: at(window.off_at)?,
        on_at: at(window.on_at)?,
    })
}

/// What people are told about the place and the work.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Area, Chinese. Left out in a draft: made from the addresses affected.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub area_zh: String,
    /// Area, English.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub area_en: String,
    /// Line or device.
    #[schema(max_length = 100)]
    pub line: String,
    /// Reason, Chinese.
    #[schema(max_length = 60)]
    pub reason_zh: String,
    /// Reason, English.
    #[schema(max_length = 60)]
    pub reason_en: String,
}

impl From<Words> for WireWords {
    fn from(words: Words) -> Self {
        Self {
            area_zh: words.area_zh,
            area_en: words.area_en,
            line: words.line,
            reason_zh: words.reason_zh,
            reason_en: words.reason_en,
        }
    }
}

impl From<WireWords> for Words {
    fn from(words: WireWords) -> Self {
        Self {
            area_zh: words.area_zh,
            area_en: words.area_en,
            line: words.line,
            reason_zh: words.reason_zh,
            reason_en: words.reason_en,
        }
    }
}

/// What a plan collides with.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Balance {
    /// Numbers of live plans on the same feeder or with the same customers within 30 days.
    pub conflicts: Vec<String>,
    /// Customers above 3 planned interruptions in the year, this one included.
    pub above_count: u32,
    /// Customers above 24 h of planned interruption in the year, this one included.
    pub above_hours: u32,
    /// Important customers without a second supply.
    pub single_source: u32,
    /// Locks that stand in the window.
    pub locks: Vec<String>,
}

/// How far the people are told.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Coverage {
    /// Who has to be told individually.
    pub required: u32,
    /// Of those, who was: with evidence.
    pub served: u32,
    /// The last of their first effective notices.
    pub individual_at: Option<DateTime<Utc>>,
    /// Important and life-support customers who neither acknowledged nor had their escalation closed.
    pub unacknowledged: u32,
    /// Members reached by no channel and not worked by a person.
    pub unreached: u32,
    /// Own generation not ticked as isolated.
    pub backfeed_open: u32,
    /// Dedicated-line customers without a recorded agreement or decision.
    pub dedicated_open: u32,
    /// Important and life-support customers to be called because it takes much longer than they were told.
    pub uncalled: u32,
}

/// A plan that ended by a move.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EndedPlan {
    /// Which.
    pub plan_no: u32,
    /// Its window.
    pub window: Option<Window>,
    /// Why it was moved.
    pub reason: String,
    /// When.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether people had been told; their notice is void.
    pub noticed: bool,
}

/// Somebody in charge of people at work.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Leader {
    /// Who.
    pub name: String,
    /// Of which team.
    pub team: String,
    /// Since when.
    pub checked_in_at: Option<DateTime<Utc>>,
    /// People out, earths off, ticket ended.
    pub cleared_at: Option<DateTime<Utc>>,
    /// Who recorded that.
    pub cleared_by: String,
    /// Who heard it; empty: the crew's own phone said so.
    pub heard_by: String,
}

/// The law of one moment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ruled {
    /// Id of the policy pack; empty: announced by a release that did not keep it.
    pub pack: String,
    /// Its version of that moment.
    pub version: String,
    /// The moment.
    pub at: DateTime<Utc>,
}

/// One planned or temporary outage.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlannedOutage {
    /// UUID.
    pub outage_id: String,
    /// Spoken number.
    pub number: String,
    /// Where in the organisation.
    pub org_path: String,
    /// IANA zone of the place.
    pub zone: String,
    /// The law of the announcement, which stays with the plan; absent: not announced.
    pub ruled: Option<Ruled>,
    /// Who wrote what people are told, when that is not what was approved; empty: the author.
    pub words_by: String,
    /// Who else read those words; empty: nobody yet.
    pub words_approved_by: String,
    /// `draft`, `submitted`, `balanced`, `negotiating`, `approved`, `noticed`, `ready`, `off`, `working`, `restoring`,
    /// `restored`, `archived`, `cancelled`, `aborted`
    pub state: String,
    /// Grows with every change.
    pub version: u64,
    /// Which plan this is: a move to another day ends one and begins the next.
    pub plan_no: u32,
    /// `PLANNED`, `TEMPORARY`, `CUSTOMER_REQUEST` (told to everybody else as `PLANNED`)
    pub class: String,
    /// Who asked for it; empty: nobody.
    pub requested_by_customer_id: String,
    /// How they asked.
    pub request_note: String,
    /// As people are told.
    pub window: Option<Window>,
    /// What people are told.
    pub words: Words,
    /// The area made from the addresses affected, to compare.
    pub area_made: String,
    /// What opens.
    pub device_ids: Vec<String>,
    /// Immutable set of service points affected.
    pub affected_set_id: String,
    /// Version of the network it was made on.
    pub grid_version: String,
    /// Its members.
    pub affected_count: u32,
    /// Of these, service points with supply again.
    pub restored_count: u32,
    /// Who wrote it.
    pub author: String,
    /// Who decided for it; never the author.
    pub approver: String,
    /// When the announcement went out.
    pub announced_at: Option<DateTime<Utc>>,
    /// When the notice was complete and in time.
    pub noticed_at: Option<DateTime<Utc>>,
    /// When the last gate let it through.
    pub ready_at: Option<DateTime<Utc>>,
    /// When supply ended.
    pub switched_off_at: Option<DateTime<Utc>>,
    /// When everybody had supply again.
    pub restored_at: Option<DateTime<Utc>>,
    /// Permit to switch off.
    pub permit_id: String,
    /// Until when it lasts.
    pub permit_until: Option<DateTime<Utc>>,
    /// What it collides with.
    pub balance: Balance,
    /// How far the people are told.
    pub coverage: Coverage,
    /// `late_start`, `extended`, `told_late`, `short_cancel`, `overrun`, `temporary`, `above_limit`, `not_called`,
    /// `entered_later`, `outside_permit`, `handed_over`
    pub marks: Vec<String>,
    /// Plans that ended by a move.
    pub ended_plans: Vec<EndedPlan>,
    /// Who is in charge of people at work.
    pub leaders: Vec<Leader>,
    /// The work order; empty while there is none.
    pub order_number: String,
    /// The crew that has it.
    pub crew_name: String,
    /// The network changed since: so many customers would be added by `refresh`.
    pub network_added: u32,
    /// And so many released.
    pub network_released: u32,
    /// What it has to hold: `high_voltage`, `low_voltage`
    pub template: String,
}

impl From<WireOutage> for PlannedOutage {
    fn from(outage: WireOutage) -> Self {
        let balance = outage.balance.unwrap_or_default();
        let coverage = outage.coverage.unwrap_or_default();
        let ended = outage.ended_plans.into_iter().map(|one| EndedPlan {
            plan_no: one.plan_no,
            window: window(one.window),
            reason: one.reason,
            ended_at: at(one.ended_at),
            noticed: one.noticed,
        });
        let leaders = outage.leaders.into_iter().map(|one| Leader {
            name: one.name,
            team: one.team,
            checked_in_at: at(one.checked_in_at),
            cleared_at: at(one.cleared_at),
            cleared_by: one.cleared_by,
            heard_by: one.heard_by,
        });
        Self {
            outage_id: outage.outage_id,
            number: outage.number,
            org_path: outage.org_path,
            zone: outage.zone,
            ruled: at(outage.ruled_at).map(|moment| Ruled {
                pack: outage.ruled_pack,
                version: outage.ruled_version,
                at: moment,
            }),
            words_by: outage.words_by,
            words_approved_by: outage.words_approved_by,
            state: outage.state,
            version: outage.version,
            plan_no: outage.plan_no,
            class: outage.class,
            requested_by_customer_id: outage.requested_by_customer_id,
            request_note: outage.request_note,
            window: window(outage.window),
            words: outage.words.map(Words::from).unwrap_or_default(),
            area_made: outage.area_made,
            device_ids: outage.device_ids,
            affected_set_id: outage.affected_set_id,
            grid_version: outage.grid_version,
            affected_count: outage.affected_count,
            restored_count: outage.restored_count,
            author: outage.author,
            approver: outage.approver,
            announced_at: at(outage.announced_at),
            noticed_at: at(outage.noticed_at),
            ready_at: at(outage.ready_at),
            switched_off_at: at(outage.switched_off_at),
            restored_at: at(outage.restored_at),
            permit_id: outage.permit_id,
            permit_until: at(outage.permit_until),
            balance: Balance {
                conflicts: balance.conflicts,
                above_count: balance.above_count,
                above_hours: balance.above_hours,
                single_source: balance.single_source,
                locks: balance.locks,
            },
            coverage: Coverage {
                required: coverage.required,
                served: coverage.served,
                individual_at: at(coverage.individual_at),
                unacknowledged: coverage.unacknowledged,
                unreached: coverage.unreached,
                backfeed_open: coverage.backfeed_open,
                dedicated_open: coverage.dedicated_open,
                uncalled: coverage.uncalled,
            },
            marks: outage.marks,
            ended_plans: ended.collect(),
            leaders: leaders.collect(),
            order_number: outage.order_number,
            crew_name: outage.crew_name,
            network_added: outage.network_added,
            network_released: outage.network_released,
            template: outage.template,
        }
    }
}
