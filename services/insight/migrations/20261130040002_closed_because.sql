-- A guess that ended because supply came back was an outage, and one whose only caller turned out to have supply was none: the ledger
-- keeps why an incident is over. Empty: told by a release that did not say, or not over.

alter table incident_view add column closed_because text not null default '';
