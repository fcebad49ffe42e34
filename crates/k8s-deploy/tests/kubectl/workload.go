package main

// workload returns a Deployment, a StatefulSet or a DaemonSet.
func (c *chance) workload() object {
	metadata, status := c.metadata()
	kind := c.one("Deployment", "StatefulSet", "DaemonSet")
	spec := object{}
	wanted := int64(c.IntN(5))
	if kind != "DaemonSet" && c.in(90) {
		spec["replicas"] = wanted
	}
	switch kind {
	case "Deployment":
		c.counts(status, wanted, "replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
		if c.in(40) {
			status["conditions"] = c.conditions("Progressing", "Available", "ReplicaFailure")
		}
		if c.in(10) {
			spec["paused"] = true
		}
	case "StatefulSet":
		c.counts(status, wanted, "replicas", "updatedReplicas", "readyReplicas", "currentReplicas")
		spec["updateStrategy"] = c.strategy(wanted)
		status["currentRevision"] = c.one("web-1", "web-2")
		status["updateRevision"] = c.one("web-1", "web-2")
	case "DaemonSet":
		c.counts(status, wanted, "desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled",
			"numberAvailable", "numberReady")
		spec["updateStrategy"] = c.strategy(wanted)
	}
	if c.in(3) {
		metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	}
	return object{"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec, "status": status}
}

func (c *chance) strategy(replicas int64) object {
	if c.in(8) {
		return object{"type": "OnDelete"}
	}
	strategy := object{"type": "RollingUpdate"}
	switch c.IntN(3) {
	case 0:
		strategy["rollingUpdate"] = object{}
	case 1:
		strategy["rollingUpdate"] = object{"partition": c.near(replicas / 2)}
	}
	return strategy
}
