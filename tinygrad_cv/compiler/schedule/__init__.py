"""From a graph to a plan: materialized values, their loop nests, memory layouts, loop schedules, steps."""
