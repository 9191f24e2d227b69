//! Ids, each of its own type.

use relight_common::typed_id;

typed_id!(
    /// One planned outage through all its plans.
    OutageId,
    "outage_id"
);

typed_id!(
    /// A customer, as the registry knows them.
    CustomerId,
    "customer_id"
);

typed_id!(
    /// One permit to switch off.
    PermitId,
    "permit_id"
);

typed_id!(
    /// A time in which nothing is switched off for work.
    LockId,
    "lock_id"
);

impl OutageId {
    /// Id of one notice of this outage: the same cause always makes the same notice.
    pub fn notice(self, cause: &str, kind: &str) -> uuid::Uuid {
        relight_common::ids::derived(self.uuid(), &format!("notice:{cause}:{kind}"))
    }
}
