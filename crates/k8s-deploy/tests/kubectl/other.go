package main

// other returns an object of a kind that kubectl has no rollout status for.
func (c *chance) other() object {
	kinds := []func(object, object) (string, string, object){
		c.pod, c.pod, c.pod, c.replicaSet, c.replicaSet, c.job, c.job, c.claim, c.service, c.definition, c.plain, c.plain,
	}
	metadata, status := c.metadata()
	version, kind, spec := kinds[c.IntN(len(kinds))](metadata, status)
	if c.in(10) {
		general := c.conditions("Reconciling", "Stalled")
		conditions, _ := status["conditions"].([]any)
		status["conditions"] = append(general, conditions...)
	}
	if c.in(5) {
		metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	}
	whole := object{"apiVersion": version, "kind": kind, "metadata": metadata}
	if len(spec) > 0 {
		whole["spec"] = spec
	}
	if len(status) > 0 && c.in(95) {
		whole["status"] = status
	}
	return whole
}

func (c *chance) pod(metadata, status object) (string, string, object) {
	// A pod that is younger than 15 seconds would be judged by the clock.
	metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
	status["phase"] = c.one("Running", "Running", "Running", "Pending", "Pending", "Succeeded", "Failed", "Unknown")
	conditions := c.conditions("Ready", "PodScheduled", "Initialized")
	for _, condition := range conditions {
		if condition := condition.(object); condition["type"] == "PodScheduled" && c.in(70) {
			condition["reason"] = "Unschedulable"
		}
	}
	status["conditions"] = conditions
	for _, list := range []string{"containerStatuses", "initContainerStatuses"} {
		if c.in(60) {
			status[list] = []any{c.container(list), c.container(list)}
		}
	}
	return "v1", "Pod", nil
}

func (c *chance) container(name string) object {
	states := []object{
		{"running": object{}},
		{"terminated": object{"exitCode": int64(c.IntN(2))}},
		{"waiting": object{"reason": c.one("ContainerCreating", "CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff",
			"InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"),
			"message": c.one("", "not found", "pull access denied", "503 Service Unavailable")}},
	}
	return object{"name": name, "image": "registry.example/web:1", "state": states[c.IntN(len(states))]}
}

func (c *chance) replicaSet(_, status object) (string, string, object) {
	spec := object{}
	wanted := int64(c.IntN(5))
	if c.in(90) {
		spec["replicas"] = wanted
	}
	c.counts(status, wanted, "replicas", "readyReplicas", "availableReplicas", "fullyLabeledReplicas")
	if c.in(25) {
		status["conditions"] = c.conditions("ReplicaFailure")
	}
	return "apps/v1", "ReplicaSet", spec
}

func (c *chance) job(_, status object) (string, string, object) {
	c.counts(status, 1, "active", "succeeded", "failed")
	if c.in(70) {
		status["startTime"] = "2026-01-01T00:00:00Z"
	}
	status["conditions"] = c.conditions("Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet")
	return "batch/v1", "Job", object{"completions": int64(1 + c.IntN(3))}
}

func (c *chance) claim(metadata, status object) (string, string, object) {
	if phase := c.one("Bound", "Pending", "Lost", ""); phase != "" {
		status["phase"] = phase
	}
	if c.in(30) {
		metadata["annotations"] = object{c.one("volume.kubernetes.io/storage-provisioner",
			"volume.kubernetes.io/selected-node", "example.com/other"): "x"}
	}
	return "v1", "PersistentVolumeClaim", nil
}

func (c *chance) service(_, status object) (string, string, object) {
	spec := object{}
	if c.in(80) {
		spec["type"] = c.one("ClusterIP", "NodePort", "LoadBalancer", "LoadBalancer", "ExternalName")
	}
	if c.in(70) {
		spec["clusterIP"] = c.one("10.0.0.1", "None", "")
	}
	if c.in(40) {
		status["loadBalancer"] = object{"ingress": []any{object{"ip": "192.0.2.1"}}}
	}
	return "v1", "Service", spec
}

func (c *chance) definition(_, status object) (string, string, object) {
	status["conditions"] = c.conditions("NamesAccepted", "Established", "Terminating")
	return "apiextensions.k8s.io/v1", "CustomResourceDefinition", nil
}

// plain returns an object of a kind without rules of its own, or with hardly any.
func (c *chance) plain(_, status object) (string, string, object) {
	kinds := [][2]string{
		{"v1", "ConfigMap"}, {"v1", "Secret"}, {"v1", "ServiceAccount"}, {"batch/v1", "CronJob"}, {"v1", "Namespace"},
		{"networking.k8s.io/v1", "Ingress"}, {"policy/v1", "PodDisruptionBudget"},
		{"autoscaling/v2", "HorizontalPodAutoscaler"}, {"apiregistration.k8s.io/v1", "APIService"},
		{"example.com/v1", "Database"}, {"example.com/v1", "Database"}, {"example.com/v1", "Database"},
	}
	kind := kinds[c.IntN(len(kinds))]
	types := []string{"Synced"}
	switch kind[1] {
	case "Database":
		types = []string{"Ready", "Ready", "Available", "Synced"}
	case "APIService":
		types = []string{"Available"}
	case "HorizontalPodAutoscaler":
		types = []string{"AbleToScale", "ScalingActive", "ScalingLimited"}
	case "PodDisruptionBudget":
		types = []string{"DisruptionAllowed"}
	}
	status["conditions"] = c.conditions(types...)
	return kind[0], kind[1], nil
}
