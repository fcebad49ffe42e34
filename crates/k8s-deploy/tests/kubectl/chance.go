package main

import "math/rand/v2"

// object is an object of the API, or a part of one. Whole numbers are int64, as in what the API server sends.
type object = map[string]any

// chance makes random objects, most of them nearly right: of independent numbers hardly a rollout would ever be complete.
type chance struct{ *rand.Rand }

func newChance(seed uint64) *chance {
	return &chance{rand.New(rand.NewPCG(seed, seed))}
}

// in tells whether something happens that happens in so many of a hundred cases.
func (c *chance) in(percent int) bool { return c.IntN(100) < percent }

func (c *chance) one(of ...string) string { return of[c.IntN(len(of))] }

// near returns a number that mostly is the one wanted.
func (c *chance) near(wanted int64) int64 {
	if c.in(75) {
		return wanted
	}
	return int64(c.IntN(6))
}

// counts sets fields of a status to numbers near the one wanted; the API omits zeros.
func (c *chance) counts(status object, wanted int64, fields ...string) {
	for _, field := range fields {
		if number := c.near(wanted); number != 0 {
			status[field] = number
		}
	}
}

// metadata returns metadata, and the status with the generation that was observed.
func (c *chance) metadata() (object, object) {
	metadata := object{"name": c.one("web", "n", "notes-app")}
	status := object{}
	if c.in(95) {
		metadata["generation"] = int64(1 + c.IntN(3))
	}
	if generation, ok := metadata["generation"].(int64); ok && c.in(85) {
		status["observedGeneration"] = generation
	} else if c.in(50) {
		status["observedGeneration"] = int64(c.IntN(5))
	}
	return metadata, status
}

// condition returns a condition of one of the types; a reason or a message may be missing.
func (c *chance) condition(types ...string) object {
	condition := object{"type": c.one(types...), "status": c.one("True", "True", "False", "False", "Unknown")}
	if c.in(80) {
		condition["reason"] = c.one("NewReplicaSetAvailable", "ProgressDeadlineExceeded", "FailedCreate",
			"Unschedulable", "Installing", "NotAccepted", "JobFailed", "Other")
	}
	if c.in(60) {
		condition["message"] = c.one("because of this", "because of that.")
	}
	return condition
}

// conditions returns up to three conditions, each type once, as in the API.
func (c *chance) conditions(types ...string) []any {
	seen := map[string]bool{}
	conditions := []any{}
	for range c.IntN(4) {
		condition := c.condition(types...)
		if kind := condition["type"].(string); !seen[kind] {
			seen[kind] = true
			conditions = append(conditions, condition)
		}
	}
	return conditions
}
