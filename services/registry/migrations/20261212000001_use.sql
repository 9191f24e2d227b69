-- What a supply is used for, as far as that asks more of a disconnection (operations.md O10, O12), and until when the
-- certificate of life support goes: past it nothing changes by itself, a person decides (domain.md 5.5 no. 20).
alter table customer
    -- Null: no pack ever said; empty: no special use.
    add column use_class text constraint customer_use_class_word check (use_class in ('', 'hospital', 'school', 'kindergarten',
        'water', 'heating', 'telecom', 'traffic', 'hazardous', 'shared_meter', 'low_income', 'elderly_alone')),
    add column life_support_until date,
    add constraint customer_life_support_until_of_life_support check (life_support_until is null or life_support);
create index customer_life_support_until on customer (life_support_until, account_key) where life_support_until is not null;
