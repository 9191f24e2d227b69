-- Why an alarm was raised, for a desk that reads Chinese. Those of the release before have English words only.

alter table alarm add column because_zh text not null default '';
