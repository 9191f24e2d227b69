-- Customers supplied at high voltage may be among those who are told one by one: the policy pack says it. A release before this one asks
-- the function with five values, which stays.
create function is_told_individually(
    classes text[], important boolean, life_support boolean, dedicated_line boolean, own_generation boolean, voltage_v integer
) returns boolean language sql immutable as $$
    -- Above 1 kV is high voltage (GB/T 2900.50).
    select planner.is_told_individually(classes, important, life_support, dedicated_line, own_generation)
        or ('high_voltage' = any(classes) and coalesce(voltage_v, 0) > 1000)
$$;
